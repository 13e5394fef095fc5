package pages

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"portfolio-infra/internal/cloudflare"
	"portfolio-infra/internal/testcheck"
)

// [TestRun_badRequest] has what is wrong with the requests of all commands.
func TestReadRequest(t *testing.T) {
	good := jsonOf(t, DeployRequest{AccountID: account, Project: "site", Owner: owner, Site: "public", Digest: digest})
	for _, tt := range []struct {
		name, text string
		want       []string
	}{
		{"good", good, nil},
		{"every mistake", `{"accountId":"x","project":"../x","owner":"a]","digest":"y"}`,
			[]string{`accountId: "x"`, `project: "../x"`, `owner: "a]"`, "site: a folder", `digest: "y"`}},
		{"an owner too long for a commit message", strings.Replace(good, owner, strings.Repeat("x", 64), 1), []string{"owner: "}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := readRequest[DeployRequest](strings.NewReader(tt.text))
			testcheck.Error(t, err, tt.want...)
		})
	}
}

// deployed returns a deployment with a commit message.
func deployed(t *testing.T, message string) (d cloudflare.Deployment) {
	t.Helper()
	if err := json.Unmarshal([]byte(`{"deployment_trigger":{"metadata":{"commit_message":`+jsonOf(t, message)+`}}}`), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestIsOurs(t *testing.T) {
	mark := DeployRequest{Owner: owner, Digest: digest}.mark()
	for _, tt := range []struct {
		name, message string
		want          bool
	}{
		{"a mark", mark, true},
		{"a message and a mark", withMark("hello [world]", mark), true},
		{"no message", "", false},
		{"a message", "hello", false},
		{"a mark within", mark + " reverted", false},
		{"another stack", DeployRequest{Owner: owner + "x", Digest: digest}.mark(), false},
		{"another stack with the same beginning", DeployRequest{Owner: owner[:5], Digest: digest}.mark(), false},
		{"a mark without a hash", "[pulumi " + owner + "]", false},
	} {
		equal(t, tt.name, IsOurs(deployed(t, tt.message), owner), tt.want)
	}
}

func TestRequest_makes(t *testing.T) {
	r := DeployRequest{Owner: owner, Digest: digest, Settings: "s", Flags: []string{"a", "b"}}
	for _, tt := range []struct {
		name   string
		change func(*DeployRequest)
		want   bool
	}{
		{"nothing", func(*DeployRequest) {}, true},
		{"consent", func(r *DeployRequest) { r.Overwrite = true }, true},
		{"the folder's name", func(r *DeployRequest) { r.Site = "dist" }, true},
		{"content", func(r *DeployRequest) { r.Digest = strings.Repeat("0", 32) }, false},
		{"settings", func(r *DeployRequest) { r.Settings = "t" }, false},
		{"flags", func(r *DeployRequest) { r.Flags = []string{"a b"} }, false},
		{"what settings and flags are", func(r *DeployRequest) { r.Settings, r.Flags = "", []string{"s", "a", "b"} }, false},
		{"the stack", func(r *DeployRequest) { r.Owner = "x" }, false},
	} {
		changed := r
		tt.change(&changed)
		equal(t, "after a change of "+tt.name, r.makes(deployed(t, withMark("message", changed.mark()))), tt.want)
	}
}

// A fresh checkout has no program yet.
func TestCommand(t *testing.T) {
	folder := t.TempDir()
	sh := func(verb string) string {
		cmd := exec.CommandContext(t.Context(), "sh", "-c", Command(verb))
		cmd.Dir = folder
		out, err := cmd.CombinedOutput()
		return fmt.Sprint(string(out), err)
	}
	equal(t, "without a program", sh("deploy"), "bin/portfolio does not exist: run make build, then run it again\nexit status 1")
	files{"bin/portfolio": "#!/bin/sh\necho $1"}.write(t, folder)
	if err := os.Chmod(filepath.Join(folder, "bin/portfolio"), 0o700); err != nil {
		t.Fatal(err)
	}
	equal(t, "with one", sh("undeploy"), "undeploy\n<nil>")
}
