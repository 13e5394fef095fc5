package pages

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"portfolio-infra/internal/cloudflare"
	"portfolio-infra/internal/testcheck"
)

const (
	digest = "00112233445566778899aabbccddeeff"
	owner  = "portfolio-dev-abcdefghijkl"
)

func TestReadRequest(t *testing.T) {
	good := `{"accountId":"` + account + `","project":"site","owner":"` + owner + `","site":"public","digest":"` + digest + `"}`
	for _, tt := range []struct {
		name, text string
		want       []string
	}{
		{"good", good, nil},
		{"nothing", " \n", []string{"no request on standard input"}},
		{"no object", "[]", []string{"reading the request from standard input"}},
		{"an unknown property", `{"x":1}`, []string{`unknown field "x"`}},
		{"two", good + good, []string{"unexpected text after the JSON object"}},
		{"every mistake", `{"accountId":"x","project":"../x","owner":"a]","digest":"y"}`,
			[]string{`accountId: "x"`, `project: "../x"`, `owner: "a]"`, "site: a folder", `digest: "y"`}},
		{"an owner too long for a commit message", strings.Replace(good, owner, strings.Repeat("x", 64), 1), []string{"owner: "}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := readRequest[DeployRequest](strings.NewReader(tt.text))
			if tt.want == nil {
				testcheck.Error(t, err, "")
			}
			for _, want := range tt.want {
				testcheck.Error(t, err, want)
			}
		})
	}
}

// deployed returns a deployment with a commit message.
func deployed(t *testing.T, message string) (d cloudflare.Deployment) {
	t.Helper()
	text, _ := json.Marshal(message)
	if err := json.Unmarshal([]byte(`{"deployment_trigger":{"metadata":{"commit_message":`+string(text)+`}}}`), &d); err != nil {
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
		if got := IsOurs(deployed(t, tt.message), owner); got != tt.want {
			t.Errorf("%s: %t", tt.name, got)
		}
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
		if got := r.makes(deployed(t, withMark("message", changed.mark()))); got != tt.want {
			t.Errorf("%s changed: %t", tt.name, got)
		}
	}
}

// A fresh checkout has no program yet.
func TestCommand(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), "sh", "-c", Command("deploy"))
	cmd.Dir = t.TempDir()
	out, err := cmd.CombinedOutput()
	if want := "bin/portfolio does not exist: run make build, then run it again\n"; err == nil || string(out) != want {
		t.Errorf("%q, %v", out, err)
	}
	files{"bin/portfolio": "#!/bin/sh\necho $1"}.write(t, cmd.Dir)
	if err := os.Chmod(filepath.Join(cmd.Dir, "bin/portfolio"), 0o700); err != nil {
		t.Fatal(err)
	}
	again := exec.CommandContext(t.Context(), "sh", "-c", Command("undeploy"))
	again.Dir = cmd.Dir
	if out, err := again.CombinedOutput(); err != nil || string(out) != "undeploy\n" {
		t.Errorf("%q, %v", out, err)
	}
}
