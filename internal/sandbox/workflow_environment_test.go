package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"portfolio-infra/internal/environment/mark"
	"portfolio-infra/internal/sandbox/clouds"
	"portfolio-infra/internal/testfiles"
)

// The steps of the workflows of environments make, change and end them, from checkouts of a
// pull request and of main. GitHub's API is a shell script ([environments.gh]).
func TestWorkflow_environments(t *testing.T) {
	e := newEnvironments(t)
	const migration, visits = "internal/example/migrations/00004_visits.sql", "-- +goose Up\nCREATE TABLE visits (id INT PRIMARY KEY);\n"

	t.Log("opened: the comment shows what the pull request changes")
	e.open(7)
	e.commit(migration, visits)
	e.passes(e.up, 7)
	e.commented(7, "https://portfolio-pr-7.pages.dev", "00004_visits.sql", "+CREATE TABLE `visits`")
	e.want("what there is", e.there("pr-7"), []string{"project portfolio-pr-7", "Worker portfolio-pr-7-api", "cluster portfolio-pr-7-db"})

	t.Log("pushed with a mistake: the same comment tells it")
	e.commit(migration, visits+"SELEKT 1;\n")
	if printed := e.fails(e.up, 7); strings.Contains(printed, "Refreshing") {
		t.Errorf("a run after one that was not killed refreshes:\n%s", printed)
	}
	e.commented(7, "ended as `failure`", "https://github.com/owner/site/actions/runs/1")
	e.commit(migration, visits)

	t.Log("a job that dies in the middle of up, and the next push after it")
	e.open(7, 8, 9)
	e.killed(e.up, 8, http.MethodPost, "/clusters")
	e.want("what the run left that was killed", e.there("pr-8"), []string{"cluster portfolio-pr-8-db"})
	if printed := e.passes(e.up, 8); !strings.Contains(printed, "Refreshing (pr-8)") || strings.Contains(printed, "pending operations") {
		t.Errorf("the next run does not refresh:\n%s", printed)
	}
	e.commented(8, "https://portfolio-pr-8.pages.dev")

	t.Log("one that dies, and its pull request is closed; one that died before it made anything")
	e.killed(e.up, 9, http.MethodPost, "/clusters")
	e.branch.initStack(mark.Stack(11))

	t.Log("closed while it conflicts, by a job that dies in the middle of destroy")
	e.open(8)
	e.write("waiting", "41\n42\n")
	e.passes(e.withdraw, 7)
	e.want("runs that were ended", e.read("cancelled"), "41\n42\n")
	e.killed(e.end, 7, http.MethodDelete, "/pages/projects/portfolio-pr-7")
	e.commented(7, "ended as `failure`")

	t.Log("the night ends what is over, and no more")
	e.night(7, 9, 11)
	e.night()

	t.Log("it expires, with a resource of a type that main's provider lacks")
	e.state(8, func(state string) string {
		state = regexp.MustCompile(`"time": ?"[^"]*"`).ReplaceAllString(state, `"time": "2020-01-01T00:00:00Z"`)
		return strings.ReplaceAll(state, "tidbcloud:index:Cluster", "tidbcloud:index:Aurora")
	})
	e.night(8)

	t.Log("pull requests without an environment")
	e.passes(e.end, 7)
	e.passes(e.up, 7) // it waited while the pull request was closed
	e.want("stacks", e.stacks(), []string(nil))
}

// environments are the workflows of environments on a runner, with checkouts of a pull request
// and of main.
type environments struct {
	*fixture
	branch, main, nightly *runner
	// hub is the folder of the script that is GitHub's API.
	hub string
}

func newEnvironments(t *testing.T) *environments {
	f := newFixture(t)
	e := &environments{fixture: f, hub: f.TempDir()}
	gh := e.gh()
	e.branch, e.main = newRunner(f, "environments.yml", gh), newRunner(f, "environments.yml", gh)
	e.nightly = &runner{TB: f, workflow: readWorkflow(f, "environments-nightly.yml"), dir: e.main.dir, env: e.main.env, github: e.main.github}
	e.git("init", "--quiet")
	e.git("add", "--all")
	e.git("commit", "--quiet", "--message", "main")
	e.git("commit", "--quiet", "--message", "merge", "--allow-empty")
	return e
}

// gh returns a folder with a gh that knows the calls of the workflows, and no other.
func (e *environments) gh() string {
	e.Helper()
	bin := e.TempDir()
	script := "#!/bin/sh\nset -eu\n" + `[ -n "$GH_TOKEN" ]` + "\nhere=$PWD\ncd " + clouds.Quote(e.hub) + `
comment() { case $1 in /*) cat "$1" ;; *) cat "$here/$1" ;; esac > "comment-$2"; }
case "$*" in
"api repos/owner/site/pulls/"*" --jq .state")
	if grep -qx "${2##*/}" open; then echo open; else echo closed; fi ;;
"api --paginate repos/owner/site/pulls?state=open&per_page=100 --jq .[].number")
	cat open ;;
"api --paginate repos/owner/site/issues/"*"/comments --jq .[] | select(.user.type == \"Bot\" and (.body | startswith(\"<!-- environment of the pull request -->\"))) | .id")
	number=${3%/comments}
	if [ -e "comment-${number##*/}" ]; then echo "${number##*/}"; fi ;;
"api --silent -X PATCH repos/owner/site/issues/comments/"*" -F body=@"*)
	[ -e "comment-${5##*/}" ]
	comment "${7#body=@}" "${5##*/}" ;;
"api --silent -X POST repos/owner/site/issues/"*"/comments -F body=@"*)
	number=${5%/comments}
	[ ! -e "comment-${number##*/}" ]
	comment "${7#body=@}" "${number##*/}" ;;
"api --paginate -X GET repos/owner/site/actions/workflows/environments.yml/runs -f event=pull_request -f status=waiting -f branch=feature --jq .workflow_runs[].id")
	cat waiting ;;
"api --silent -X POST repos/owner/site/actions/runs/"*"/cancel")
	run=${5%/cancel}
	echo "${run##*/}" >> cancelled ;;
*)
	echo "gh: the test does not know: $*" >&2
	exit 1 ;;
esac
`
	if err := os.WriteFile(filepath.Join(bin, "gh"), []byte(script), 0o700); err != nil {
		e.Fatal(err)
	}
	return bin
}

// git runs git in the checkout of the pull request.
func (e *environments) git(args ...string) {
	e.Helper()
	cmd := exec.CommandContext(e.Context(), "git", append([]string{"-c", "user.name=somebody", "-c", "user.email=somebody@example.com"}, args...)...)
	cmd.Dir = e.branch.dir
	e.branch.output(cmd)
}

// commit changes what the pull request's merge commit adds to main.
func (e *environments) commit(name, text string) {
	e.Helper()
	e.branch.write(name, text)
	e.git("add", "--all")
	e.git("commit", "--quiet", "--amend", "--no-edit")
}

func (e *environments) write(name, text string) {
	e.Helper()
	testfiles.Write(e, e.hub, map[string]string{name: text})
}

func (e *environments) read(name string) string {
	e.Helper()
	text, err := os.ReadFile(filepath.Join(e.hub, name))
	if err != nil {
		e.Fatal(err)
	}
	return string(text)
}

// open says which pull requests are open.
func (e *environments) open(numbers ...int) {
	e.Helper()
	lines := ""
	for _, n := range numbers {
		lines += strconv.Itoa(n) + "\n"
	}
	e.write("open", lines)
}

// does runs a job for a pull request, and then the one that comments on it, if there is any.
func (e *environments) does(r *runner, job, comments string, of event, n int) (printed string, err error) {
	number := "github.event.pull_request.number"
	if of.values[number] == "" {
		number = "inputs.number"
	}
	of = of.with(values{"vars.PULUMI_ENVIRONMENTS": "true", "vars.PULUMI_STACK": "prod", number: strconv.Itoa(n)})
	printed, outputs, err := r.job(job, of)
	result := "success"
	if err != nil {
		result = "failure"
	}
	if comments != "" && (err == nil || strings.HasPrefix(r.Jobs[comments].If, "always()")) {
		said, _, commentErr := r.job(comments, of.with(values{"needs." + job + ".result": result, "needs." + job + ".outputs.text": outputs["text"]}))
		if printed += said; commentErr != nil {
			e.Errorf("%s: %v\n%s", comments, commentErr, said)
		}
	}
	return printed, err
}

func (e *environments) up(n int) (printed string, err error) {
	return e.does(e.branch, "up", "comment", pullRequest(), n)
}

func (e *environments) end(n int) (printed string, err error) {
	return e.does(e.main, "end", "gone", closed(), n)
}

func (e *environments) withdraw(n int) (printed string, err error) {
	return e.does(e.main, "withdraw", "", closed(), n)
}

func (e *environments) passes(run func(int) (string, error), n int) (printed string) {
	e.Helper()
	printed, err := run(n)
	if err != nil {
		e.Fatalf("%d: %v\n%s", n, err, printed)
	}
	return printed
}

func (e *environments) fails(run func(int) (string, error), n int) (printed string) {
	e.Helper()
	printed, err := run(n)
	if err == nil {
		e.Fatalf("%d: it succeeded:\n%s", n, printed)
	}
	return printed
}

// night runs the nightly workflow, which must find that these environments are over, and what it
// calls for them, side by side. Nothing of them must be left.
func (e *environments) night(over ...int) {
	e.Helper()
	printed, outputs, err := e.nightly.job("list", night().with(values{"vars.PULUMI_ENVIRONMENTS": "true", "vars.PULUMI_STACK": "prod"}))
	var found []int
	err = errors.Join(err, json.Unmarshal([]byte(outputs["numbers"]), &found))
	if err != nil || !slices.Equal(found, over) || (outputs["some"] == "true") != (len(over) > 0) {
		e.Fatalf("the list is %v, want %v: %v\n%s", outputs, over, err, printed)
	}
	errs := make([]error, len(over))
	var wait sync.WaitGroup
	for i, n := range over {
		wait.Go(func() {
			printed, err := e.does(e.main, "end", "gone", night(), n)
			if err != nil {
				errs[i] = fmt.Errorf("the end of %d: %w\n%s", n, err, printed)
			}
		})
	}
	wait.Wait()
	if err := errors.Join(errs...); err != nil {
		e.Fatal(err)
	}
	for _, n := range over {
		e.commented(n, "nothing of it is left")
		e.want("what is left", e.there(mark.Stack(n)), []string(nil))
	}
}

// killed kills the step that makes a call, after the call took effect and before its answer.
func (e *environments) killed(run func(int) (string, error), n int, method, path string) {
	e.Helper()
	var killed atomic.Bool
	e.clouds.Intercept(func(r *http.Request, after bool) bool {
		if after && r.Method == method && strings.HasSuffix(r.URL.Path, path) && killed.CompareAndSwap(false, true) {
			for _, r := range []*runner{e.branch, e.main} {
				if s := r.step.Load(); s != nil {
					s.kill()
				}
			}
		}
		return killed.Load()
	})
	defer e.clouds.Intercept(nil)
	if printed := e.fails(run, n); !killed.Load() {
		e.Fatalf("%s %s was never called:\n%s", method, path, printed)
	}
}

// commented checks the only comment of a pull request.
func (e *environments) commented(n int, texts ...string) {
	e.Helper()
	comment := e.read("comment-" + strconv.Itoa(n))
	for _, text := range texts {
		if !strings.Contains(comment, text) {
			e.Errorf("the comment does not say %q:\n%s", text, comment)
		}
	}
}

func (e *environments) stackFile(name string) string {
	return filepath.Join(e.Dir, "state", ".pulumi", "stacks", "portfolio", name+".json")
}

// stacks lists the files of the backend's stacks.
func (e *environments) stacks() []string {
	e.Helper()
	files, err := filepath.Glob(e.stackFile("*"))
	if err != nil {
		e.Fatal(err)
	}
	return files
}

// state edits the state of an environment.
func (e *environments) state(n int, edit func(string) string) {
	e.Helper()
	file := e.stackFile(mark.Stack(n))
	before, err := os.ReadFile(file)
	if err != nil {
		e.Fatal(err)
	}
	after := edit(string(before))
	if after == string(before) {
		e.Fatal("the state was not edited")
	}
	if err := os.WriteFile(file, []byte(after), 0o600); err != nil {
		e.Fatal(err)
	}
}
