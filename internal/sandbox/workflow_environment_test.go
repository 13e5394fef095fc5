package main

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"portfolio-infra/internal/environment/mark"
	"portfolio-infra/internal/sandbox/clouds"
)

// The steps of the workflows of environments make, change and end them, from checkouts of a
// pull request and of main. GitHub's API is a shell script ([environments.gh]).
func TestWorkflow_environments(t *testing.T) {
	e := newEnvironments(t)

	t.Log("another repository has an environment of that kind in the same accounts")
	e.open(8)
	e.repository("5678", func() { e.up(8) })
	e.open()

	t.Log("opened")
	e.open(7)
	e.up(7)
	e.commented(7, "https://portfolio-pr-7.pages.dev", "00001_create_projects.sql")
	e.want("what bears the mark", e.marked(7), []string{"project portfolio-pr-7", "script portfolio-pr-7-api", "cluster portfolio-pr-7-db"})

	t.Log("pushed twice: one comment, which shows what the pull request changes")
	e.commit("internal/example/migrations/00004_visits.sql", "-- +goose Up\nCREATE TABLE visits (id INT PRIMARY KEY);\n")
	e.up(7)
	e.commented(7, "00004_visits.sql", "+CREATE TABLE `visits`")
	e.commit("internal/example/migrations/00004_visits.sql", "-- +goose Up\nCREATE TABLE visits (id INT PRIMARY KEY);\nSELEKT 1;\n")
	e.fails(7)
	e.commented(7, "ended as `failure`", "https://github.com/owner/site/actions/runs/1")
	e.commit("internal/example/migrations/00004_visits.sql", "-- +goose Up\nCREATE TABLE visits (id INT PRIMARY KEY);\n")

	t.Log("a job that dies in the middle of up, of a pull request that is closed then")
	e.open(7, 9)
	e.killed(http.MethodPost, "/clusters", e.fails, 9)
	e.want("what the run left that was killed", e.marked(9), []string{"cluster portfolio-pr-9-db"})
	e.open(7)
	e.closed(9)
	e.commented(9, "nothing of it is left")
	e.want("what is left", e.marked(9), []string(nil))

	t.Log("closed while it conflicts, by a job that dies in the middle of destroy, and the night after it")
	e.open()
	e.write("waiting", "41\n42\n")
	e.withdrawn(7)
	e.want("runs that were ended", e.read("cancelled"), "41\n42\n")
	e.killed(http.MethodDelete, "/pages/projects/portfolio-pr-7", e.notClosed, 7)
	e.commented(7, "ended as `failure`")
	e.want("over", e.night(), []int{7})
	e.commented(7, "nothing of it is left")
	e.want("what is left", e.marked(7), []string(nil))

	t.Log("a night after a job that died before it made anything, and one with nothing to do")
	e.branch.initStack(mark.Stack(11))
	e.want("over", e.night(), []int{11})
	e.want("over", e.night(), []int(nil))

	t.Log("pull requests without an environment")
	e.closed(7)
	e.up(7) // it waited while the pull request was closed
	e.want("stacks", e.stacks(), "")

	t.Log("reopened, by a job that dies, and the next push after it")
	e.open(7)
	e.killed(http.MethodPost, "/clusters", e.fails, 7)
	if printed := e.up(7); !strings.Contains(printed, "Refreshing (pr-7)") || strings.Contains(printed, "pending operations") {
		t.Errorf("the next run does not refresh:\n%s", printed)
	}
	e.commented(7, "https://portfolio-pr-7.pages.dev")
	e.want("what bears the mark", e.marked(7), []string{"project portfolio-pr-7", "script portfolio-pr-7-api", "cluster portfolio-pr-7-db"})
	if printed := e.up(7); strings.Contains(printed, "Refreshing") {
		t.Errorf("a run after one that was not killed refreshes:\n%s", printed)
	}
	e.want("over", e.night(), []int(nil))

	t.Log("it expires, with a resource of a type that main's provider lacks")
	e.state(7, func(state string) string {
		state = regexp.MustCompile(`"time": ?"[^"]*"`).ReplaceAllString(state, `"time": "2020-01-01T00:00:00Z"`)
		return strings.ReplaceAll(state, "tidbcloud:index:Cluster", "tidbcloud:index:Aurora")
	})
	e.want("over", e.night(), []int{7})
	e.commented(7, "nothing of it is left")
	e.want("what is left", e.marked(7), []string(nil))
	e.want("stacks", e.stacks(), "")

	e.id = "5678"
	e.want("what the other repository has", e.marked(8), []string{"project portfolio-pr-8", "script portfolio-pr-8-api", "cluster portfolio-pr-8-db"})
}

// environments are the workflows of environments on a runner, with checkouts of a pull request
// and of main.
type environments struct {
	*fixture
	branch, main, nightly *runner
	// hub is the folder of the script that is GitHub's API.
	hub string
	// id is the repository's.
	id string
}

func newEnvironments(t *testing.T) *environments {
	f := newFixture(t)
	e := &environments{fixture: f, branch: newRunner(f), main: newRunner(f), hub: f.TempDir(), id: "1234"}
	e.nightly = &runner{TB: f, dir: e.main.dir, env: e.main.env, github: e.main.github}
	for r, workflow := range map[*runner]string{e.branch: "environments.yml", e.main: "environments.yml", e.nightly: "environments-nightly.yml"} {
		r.workflow = readWorkflow(f, workflow)
		r.env = append(r.env, "PATH="+e.gh()+":"+e.path(r))
	}
	e.git("init", "--quiet")
	e.git("add", "--all")
	e.git("commit", "--quiet", "--message", "main")
	e.git("commit", "--quiet", "--message", "merge", "--allow-empty")
	return e
}

func (e *environments) path(r *runner) (path string) {
	for _, assignment := range r.env {
		if value, ok := strings.CutPrefix(assignment, "PATH="); ok {
			path = value
		}
	}
	return path
}

// gh returns a folder with a gh that knows the calls of the workflows, and no other.
func (e *environments) gh() string {
	e.Helper()
	bin := filepath.Join(e.hub, "bin")
	if err := os.MkdirAll(bin, 0o700); err != nil {
		e.Fatal(err)
	}
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
	if output, err := cmd.CombinedOutput(); err != nil {
		e.Fatalf("git %v: %v\n%s", args, err, output)
	}
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
	if err := os.WriteFile(filepath.Join(e.hub, name), []byte(text), 0o600); err != nil {
		e.Fatal(err)
	}
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
	var lines strings.Builder
	for _, n := range numbers {
		lines.WriteString(strings.TrimPrefix(mark.Stack(n), "pr-") + "\n")
	}
	e.write("open", lines.String())
}

// repository does something in another repository, which has a backend of its own.
func (e *environments) repository(id string, do func()) {
	e.Helper()
	github, dir := e.branch.github, e.TempDir()
	e.branch.github = func(job string) values {
		v := github(job)
		v["vars.PULUMI_BACKEND_URL"] = "file://" + dir + "?metadata=skip"
		return v
	}
	e.id, id = id, e.id
	do()
	e.id, e.branch.github = id, github
}

func (e *environments) event(of event, n int) event {
	number := strings.TrimPrefix(mark.Stack(n), "pr-")
	set := values{"vars.PULUMI_ENVIRONMENTS": "true", "vars.PULUMI_STACK": "prod", "GITHUB_REPOSITORY_ID": e.id}
	if of.values["github.event.pull_request.number"] != "" {
		set["github.event.pull_request.number"] = number
	} else {
		set["inputs.number"] = number
	}
	return of.with(set)
}

// does runs a job, and then the one that comments on it.
func (e *environments) does(r *runner, job, comments string, of event) (printed string, err error) {
	e.Helper()
	printed, outputs, err := r.job(job, of)
	result := "success"
	if err != nil {
		result = "failure"
	}
	if err == nil || strings.HasPrefix(r.Jobs[comments].If, "always()") {
		told := of.with(values{"needs." + job + ".result": result, "needs." + job + ".outputs.text": outputs["text"]})
		if printed, _, err := r.job(comments, told); err != nil {
			e.Fatalf("%s: %v\n%s", comments, err, printed)
		}
	}
	return printed, err
}

func (e *environments) up(n int) (printed string) {
	e.Helper()
	printed, err := e.does(e.branch, "up", "comment", e.event(pullRequest(), n))
	if err != nil {
		e.Fatalf("up: %v\n%s", err, printed)
	}
	return printed
}

func (e *environments) fails(n int) (printed string) {
	e.Helper()
	printed, err := e.does(e.branch, "up", "comment", e.event(pullRequest(), n))
	if err == nil {
		e.Fatalf("up succeeded:\n%s", printed)
	}
	return printed
}

func (e *environments) closed(n int) {
	e.Helper()
	if printed, err := e.does(e.main, "end", "gone", e.event(closed(), n)); err != nil {
		e.Fatalf("end: %v\n%s", err, printed)
	}
}

func (e *environments) notClosed(n int) (printed string) {
	e.Helper()
	printed, err := e.does(e.main, "end", "gone", e.event(closed(), n))
	if err == nil {
		e.Fatalf("end succeeded:\n%s", printed)
	}
	return printed
}

func (e *environments) withdrawn(n int) {
	e.Helper()
	if printed, _, err := e.main.job("withdraw", e.event(closed(), n)); err != nil {
		e.Fatalf("withdraw: %v\n%s", err, printed)
	}
}

// night runs the nightly workflow and what it calls. It returns the environments that were over.
func (e *environments) night() (over []int) {
	e.Helper()
	printed, outputs, err := e.nightly.job("list", e.event(night(), 1))
	if err != nil {
		e.Fatalf("list: %v\n%s", err, printed)
	}
	if outputs["some"] != "true" {
		return nil
	}
	if err := json.Unmarshal([]byte(outputs["numbers"]), &over); err != nil {
		e.Fatalf("%q: %v", outputs["numbers"], err)
	}
	for _, n := range over {
		if printed, err := e.does(e.main, "end", "gone", e.event(night(), n)); err != nil {
			e.Fatalf("end: %v\n%s", err, printed)
		}
	}
	return over
}

// killed kills the step that makes a call, after the call took effect and before its answer.
func (e *environments) killed(method, path string, run func(n int) (printed string), n int) {
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
	if printed := run(n); !killed.Load() {
		e.Fatalf("%s %s was never called:\n%s", method, path, printed)
	}
}

// commented checks the only comment of a pull request.
func (e *environments) commented(n int, texts ...string) {
	e.Helper()
	comment := e.read("comment-" + strings.TrimPrefix(mark.Stack(n), "pr-"))
	for _, text := range texts {
		if !strings.Contains(comment, text) {
			e.Errorf("the comment does not say %q:\n%s", text, comment)
		}
	}
}

// marked lists what there is of a pull request's environment, with its owner looked up.
func (e *environments) marked(n int) (all []string) {
	e.Helper()
	wanted := mark.Of(e.id, n)
	for _, p := range e.clouds.Cloudflare.Projects() {
		if strings.HasSuffix(p.Name, "-"+mark.Stack(n)) {
			all = append(all, "project "+p.Name)
		}
	}
	for _, s := range e.clouds.Cloudflare.Scripts() {
		if mark.Bears(s.Vars["PULUMI_STACK"], wanted) {
			all = append(all, "script "+s.Name)
		}
	}
	for _, c := range e.clouds.TiDB.Clusters() {
		if c.State != "DELETED" && mark.Bears(c.Labels["pulumi.com/owner"], wanted) {
			all = append(all, "cluster "+c.DisplayName)
		}
	}
	return all
}

func (e *environments) stackFile(n int) string {
	return filepath.Join(e.Dir, "state", ".pulumi", "stacks", "portfolio", mark.Stack(n)+".json")
}

// stacks lists the stacks of the backend.
func (e *environments) stacks() string {
	e.Helper()
	files, err := filepath.Glob(filepath.Join(filepath.Dir(e.stackFile(1)), "*.json"))
	if err != nil {
		e.Fatal(err)
	}
	return strings.Join(slices.Sorted(slices.Values(files)), "\n")
}

// state edits the state of an environment.
func (e *environments) state(n int, edit func(string) string) {
	e.Helper()
	before, err := os.ReadFile(e.stackFile(n))
	if err != nil {
		e.Fatal(err)
	}
	after := edit(string(before))
	if after == string(before) {
		e.Fatal("the state was not edited")
	}
	if err := os.WriteFile(e.stackFile(n), []byte(after), 0o600); err != nil {
		e.Fatal(err)
	}
}
