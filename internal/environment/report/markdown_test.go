package report

import (
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files")

func example() Report {
	return Report{
		Stack: "pr-7", Site: "https://portfolio-pr-7.pages.dev", Deployment: "https://0a1b2c3d.portfolio-pr-7.pages.dev", Commit: "0123456789abcdef0123456789abcdef01234567",
		Files: []File{{kindMigration, "00001_create_projects.sql", 1, 2, false}, {kindMigration, "00002_add_email.sql", 3, 0, true}, {kindSeed, "guests.sql", 1, 0, false}},
		Schema: Schema{
			Tables: []Table{{"guests", 3}, {"latest", -1}, {"odd`|name", 0}},
			Diff:   unified("CREATE TABLE `guests` (\n  `id` bigint NOT NULL\n);\n\n", "CREATE TABLE `guests` (\n  `id` bigint NOT NULL,\n  `email` varchar(100) DEFAULT NULL\n);\n\n"),
		},
		Took: 48 * time.Second, Ends: time.Date(2026, 12, 7, 23, 59, 0, 0, time.UTC), Days: 7,
	}
}

func TestReport_Markdown(t *testing.T) {
	const file = "testdata/report.md"
	got := example().Markdown()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Error(diff)
	}
}

// What is missing is said in a line, and leaves out what it would have shown.
func TestReport_Markdown_less(t *testing.T) {
	for name, tt := range map[string]struct {
		change      func(r *Report)
		want, never string
	}{
		"the same schema":    {func(r *Report) { r.Schema.Diff = "" }, "\nThe schema is that of the base.\n", "```diff"},
		"an unknown base":    {func(r *Report) { r.Schema.Unknown, r.Schema.Diff = "no folder", "" }, "\nWhat changes in the schema is not known: `no folder`\n", "that of the base"},
		"no database":        {func(r *Report) { r.Problem, r.Files, r.Schema = "Error 1045", nil, Schema{} }, "\nThe database could not be read: `Error 1045`\n", "that of the base"},
		"no site":            {func(r *Report) { r.Site, r.Deployment = "", "" }, "### this environment has no site\n", "this deployment alone"},
		"an address of none": {func(r *Report) { r.Site = "javascript:alert(1)" }, "### `javascript:alert(1)`\n", "<javascript"},
		"a copy":             {func(r *Report) { r.Copied = true }, "3 tables, with the rows of a copy", "```\n```"},
		"a long diff":        {func(r *Report) { r.Schema.Diff = strings.Repeat("+`a` bigint,\n", 10_000) }, "\n6924 lines more are not shown.\n", "+`a` bigin\n"},
		"many tables":        {func(r *Report) { r.Schema.Tables = make([]Table, 150) }, "| and 50 more | |\n", "51 more"},
		"a fence in it":      {func(r *Report) { r.Schema.Diff = "+COMMENT='\n````\n'" }, "`````diff\n+COMMENT='\n````\n'\n`````\n", "\n```diff"},
		"one of each":        {func(r *Report) { r.Files, r.Days = r.Files[:1], 1 }, "<summary>1 migration, 2 s</summary>", "new"},
	} {
		t.Run(name, func(t *testing.T) {
			r := example()
			tt.change(&r)
			if got := r.Markdown(); !strings.Contains(got, tt.want) || strings.Contains(got, tt.never) || len(got) > 65_536 {
				t.Errorf("want %q and not %q:\n%.3000s", tt.want, tt.never, got)
			}
		})
	}
}

// No name is Markdown, HTML or the end of a table's cell.
func TestCode(t *testing.T) {
	for text, want := range map[string]string{
		"guests":        "`guests`",
		"<b>*a*</b>":    "`<b>*a*</b>`",
		"a|b":           "<code>a&#124;b</code>",
		"a`b`\n*c*<i>":  "<code>a&#96;b&#96; &#42;c&#42;&#60;i&#62;</code>",
		`a\|b`:          "<code>a&#92;&#124;b</code>",
		"Gäste":         "`Gäste`",
		"@someone, #12": "`@someone, #12`",
	} {
		if got := code(text); got != want {
			t.Errorf("code(%q) = %s, want %s", text, got, want)
		}
	}
}
