package report

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"portfolio-infra/internal/rest"
)

// Limits of what is shown. A comment has at most 65536 characters
// (https://github.com/orgs/community/discussions/41331).
const (
	maxDiff  = 40_000 // bytes
	maxLines = 100    // of each list
)

// Markdown returns the report as GitHub shows it in a comment and in a job's summary: the address,
// then what changed in the schema, and the rest folded.
func (r Report) Markdown() string {
	var b strings.Builder
	site := "this environment has no site"
	if r.Site != "" {
		site = link(r.Site)
	}
	fmt.Fprintf(&b, "### %s\n\n", site)
	fmt.Fprintf(&b, "The environment of this pull request, at %s", r.Commit)
	if r.Deployment != "" && r.Deployment != r.Site {
		fmt.Fprintf(&b, "; this deployment alone: %s", link(r.Deployment))
	}
	b.WriteString("\n\n")
	r.writeSchema(&b)
	r.writeFiles(&b)
	r.writeTables(&b)
	fold(&b, "The same on your own machine, offline", fence("sh", "make up STACK="+r.Stack))
	if r.Took > 0 {
		fmt.Fprintf(&b, "It took %s. ", rest.Seconds(r.Took))
	}
	fmt.Fprintf(&b, "It ends with this pull request, or on %s, %s after this update.\n", r.Ends.UTC().Format("2 January 2006"), count(r.Days, "day"))
	return b.String()
}

func (r Report) writeSchema(b *strings.Builder) {
	switch {
	case r.Problem != "":
		fmt.Fprintf(b, "The database could not be read: %s\n\n", code(r.Problem))
	case r.Schema.Unknown != "":
		fmt.Fprintf(b, "What changes in the schema is not known: %s\n\n", code(r.Schema.Unknown))
	case r.Schema.Diff == "":
		b.WriteString("The schema is that of the base.\n\n")
	default:
		text, cut := cutLines(r.Schema.Diff, maxDiff)
		b.WriteString("The schema changes:\n\n" + fence("diff", text) + "\n")
		if cut > 0 {
			fmt.Fprintf(b, "%s more are not shown.\n\n", count(cut, "line"))
		}
	}
}

func (r Report) writeFiles(b *strings.Builder) {
	if len(r.Files) == 0 {
		return
	}
	numbers, seconds, added := map[string]int{}, 0, 0
	var rows []string
	for _, f := range r.Files {
		numbers[f.Kind]++
		kind, took := f.Kind, "less than 1"
		if f.New {
			added++
			kind = "**new** " + kind
		}
		if f.Seconds > 0 {
			took = fmt.Sprint(f.Seconds)
		}
		seconds += f.Seconds
		rows = append(rows, fmt.Sprintf("| %s | %s | %d | %s |\n", code(f.Name), kind, f.Steps, took))
	}
	var parts []string
	for _, kind := range []string{kindMask, kindMigration, kindSeed} {
		if n := numbers[kind]; n > 0 {
			part := count(n, kind)
			if kind == kindMigration && added > 0 {
				part += fmt.Sprintf(" (%d new)", added)
			}
			parts = append(parts, part)
		}
	}
	title := strings.Join(parts, ", ")
	if seconds > 0 {
		title += fmt.Sprintf(", %d s", seconds)
	}
	fold(b, title, "| file | kind | steps | seconds |\n| --- | --- | ---: | ---: |\n"+list(rows))
}

func (r Report) writeTables(b *strings.Builder) {
	if len(r.Schema.Tables) == 0 {
		return
	}
	var rows []string
	for _, t := range r.Schema.Tables {
		n := "-"
		if t.Rows >= 0 {
			n = fmt.Sprint(t.Rows)
		}
		rows = append(rows, fmt.Sprintf("| %s | %s |\n", code(t.Name), n))
	}
	title := count(len(r.Schema.Tables), "table")
	if r.Copied {
		title += ", with the rows of a copy"
	}
	fold(b, title, "| table | rows |\n| --- | ---: |\n"+list(rows))
}

// fold writes what a reader may open.
func fold(b *strings.Builder, title, text string) {
	fmt.Fprintf(b, "<details><summary>%s</summary>\n\n%s\n</details>\n\n", title, text)
}

// list returns the rows of a table, as many as are shown.
func list(rows []string) string {
	if more := len(rows) - maxLines; more > 0 {
		rows = append(rows[:maxLines:maxLines], fmt.Sprintf("| and %d more | |\n", more))
	}
	return strings.Join(rows, "")
}

func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// plain matches what has no meaning in a code span, also in a table.
var plain = regexp.MustCompile("^[^`|\\\\\\pC]+$")

// code returns a text as code, in which Markdown means nothing.
func code(text string) string {
	if plain.MatchString(text) {
		return "`" + text + "`"
	}
	// An entity is never Markdown. https://spec.commonmark.org/0.31.2/#entity-and-numeric-character-references
	var b strings.Builder
	for _, r := range text {
		switch {
		case r >= '0' && r <= '9', r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r == ' ', r == '.', r == '/', r == '-':
			b.WriteRune(r)
		case r < ' ':
			b.WriteByte(' ')
		default:
			fmt.Fprintf(&b, "&#%d;", r)
		}
	}
	return "<code>" + b.String() + "</code>"
}

// link returns an address as a link, or as code if it is none.
func link(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || strings.ContainsAny(address, "<> \n") {
		return code(address)
	}
	return "<" + address + ">"
}

var backticks = regexp.MustCompile("`+")

// fence returns a text as a block, whatever the text has.
// https://spec.commonmark.org/0.31.2/#fenced-code-blocks
func fence(language, text string) string {
	mark := "```"
	for _, run := range backticks.FindAllString(text, -1) {
		if len(run) >= len(mark) {
			mark = run + "`"
		}
	}
	return mark + language + "\n" + strings.TrimRight(text, " \n") + "\n" + mark + "\n"
}

// cutLines returns the lines of a text that fit, and how many do not.
func cutLines(text string, limit int) (string, int) {
	if len(text) <= limit {
		return text, 0
	}
	end := strings.LastIndexByte(text[:limit], '\n') + 1
	return text[:end], strings.Count(text[end:], "\n")
}
