package main

import (
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"portfolio-infra/internal/testfiles"
)

// stacks is as `pulumi stack ls --json` prints it: "dev" in a backend without progress, the others
// in Pulumi Cloud. lastUpdate is in the format of the CLI, and left out of a stack that is being
// updated or never was.
const stacks = `[
  {"name": "dev", "current": true, "lastUpdate": "%[1]s", "resourceCount": 31},
  {"name": "pr-1", "current": false, "lastUpdate": "%[1]s", "updateInProgress": false, "resourceCount": 24, "url": "https://app.pulumi.com/me/portfolio/pr-1"},
  {"name": "pr-2", "current": false, "lastUpdate": "%[2]s", "updateInProgress": false, "resourceCount": 24},
  {"name": "pr-3", "current": false, "updateInProgress": true, "resourceCount": 2},
  {"name": "pr-4", "current": false},
  {"name": "me/pr-5", "current": false, "lastUpdate": "%[1]s"},
  {"name": "organization/portfolio/pr-6", "current": false, "lastUpdate": "%[1]s"},
  {"name": "organization/other/pr-7", "current": false, "lastUpdate": "%[2]s"},
  {"name": "pr-08", "current": false, "lastUpdate": "%[2]s"},
  {"name": "my-pr-9", "current": false, "lastUpdate": "%[2]s"}
]`

const cliTime = "2006-01-02T15:04:05.000Z07:00" // of pkg/cmd/pulumi/cmd/time.go

func TestDue(t *testing.T) {
	const missing = "missing" // a list that is missing is no empty list
	for name, tt := range map[string]struct {
		marked, stacks, open string
		args                 []string
		want, err            string
	}{
		"nothing":                    {"", "[]", "", nil, "[]", ""},
		"all open":                   {"1\n2\n3\n4\n5\n6\n", stacks, "1\n2\n3\n4\n5\n6\n", nil, "[2]", ""},
		"all closed":                 {"", stacks, "", nil, "[1,2,3,4,5,6]", ""},
		"one open":                   {"", stacks, "3\n", nil, "[1,2,4,5,6]", ""},
		"a mark without a stack":     {"1\n7\n", stacks, "1\n2\n3\n4\n5\n6\n7\n", nil, "[2,7]", ""},
		"a mark of a closed one":     {"12\n", "[]", "", nil, "[12]", ""},
		"only one that is over":      {"", stacks, "", []string{"-only", "4"}, "[4]", ""},
		"only one that is not over":  {"", stacks, "4\n", []string{"-only", "4"}, "[]", ""},
		"only one that is not there": {"", stacks, "", []string{"-only", "99"}, "[]", ""},
		"n/a":                        {"", `[{"name":"pr-1","lastUpdate":"n/a"}]`, "1\n", nil, "[]", ""},
		"no time":                    {"", `[{"name":"pr-1","lastUpdate":"yesterday"}]`, "1\n", nil, "", "stack pr-1: "},
		"no list of stacks":          {"", "", "", nil, "", "is not the output of `pulumi stack ls --json`"},
		"null":                       {"", "null", "", nil, "", "is not the output of `pulumi stack ls --json`"},
		"no list of numbers":         {"1\nx\n", stacks, "", nil, "", `"x" is not the number of a pull request`},
		"no file of marks":           {missing, "[]", "", nil, "", "marked: no such file"},
		"no file of stacks":          {"", missing, "", nil, "", "stacks: no such file"},
		"no file of open ones":       {"", "[]", missing, nil, "", "open: no such file"},
		"an error for numbers":       {"", stacks, "{\"message\":\"Not Found\"}", nil, "", "is not the number of a pull request"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				folder, now := t.TempDir(), time.Now().UTC()
				stacks := strings.NewReplacer("%[1]s", now.Add(-6*24*time.Hour).Format(cliTime), "%[2]s", now.Add(-8*24*time.Hour).Format(cliTime)).Replace(tt.stacks)
				args := []string{"due"}
				for name, content := range map[string]string{"marked": tt.marked, "open": tt.open, "stacks": stacks} {
					if content != missing {
						testfiles.Write(t, folder, map[string]string{name: content})
					}
					args = append(args, "-"+name, filepath.Join(folder, name))
				}
				w := newWorld(t)
				code := w.run(t.Context(), "", append(args, tt.args...)...)
				if got := strings.TrimSpace(w.stdout.String()); got != tt.want || (code == 0) != (tt.err == "") || !strings.Contains(w.stderr.String(), tt.err) {
					t.Errorf("%d: %s, want %s; %s", code, got, tt.want, &w.stderr)
				}
			})
		})
	}
}
