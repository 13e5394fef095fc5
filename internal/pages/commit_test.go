package pages

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestWithMark(t *testing.T) {
	const mark = "[pulumi owner 0123456789abcdef]"
	room := maxMessage - len(mark) - 1
	for _, tt := range []struct{ name, message, want string }{
		{"none", "", mark},
		{"short", "one\n\ntwo", "one\n\ntwo " + mark},
		{"full", strings.Repeat("x", room), strings.Repeat("x", room) + " " + mark},
		{"long", strings.Repeat("x", 1000), strings.Repeat("x", room) + " " + mark},
		{"cut in a character", strings.Repeat("x", room-1) + "é", strings.Repeat("x", room-1) + " " + mark},
		{"long characters", strings.Repeat("𝄞", 1000), strings.Repeat("𝄞", room/4) + " " + mark},
		{"not UTF-8", "a\xffb", "ab " + mark},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := withMark(tt.message, mark)
			if diff := cmp.Diff(tt.want, got); diff != "" || len(got) > maxMessage || !utf8.ValidString(got) {
				t.Errorf("%d bytes: %s", len(got), diff)
			}
		})
	}
}

// git runs git in a folder.
func git(t *testing.T, folder string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", append([]string{"-C", folder}, args...)...)
	cmd.Env = append(os.Environ(), "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return strings.TrimSpace(string(out))
}

// repository makes a project a repository with one commit, and other files.
func repository(t *testing.T, project string) {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed")
	}
	git(t, project, "init", "--quiet")
	if _, err := os.Stat(filepath.Join(project, "public/index.html")); err == nil {
		git(t, project, "add", "public/index.html")
	}
	git(t, project, "commit", "--quiet", "--allow-empty", "--message", "first: größer\n\nwith a body")
}

func TestLastCommit(t *testing.T) {
	folder := files{"index.html": ""}.site(t)
	check := func(name string, want commit, wantOK bool) {
		t.Helper()
		if got, ok := lastCommit(t.Context(), folder); got != want || ok != wantOK {
			t.Errorf("%s: %+v, %t, want %+v", name, got, ok, want)
		}
	}
	t.Setenv("GIT_CEILING_DIRECTORIES", os.TempDir())
	check("no repository", commit{}, false)
	repository(t, filepath.Dir(folder))
	hash := git(t, folder, "rev-parse", "HEAD")
	check("clean", commit{hash, "first: größer\n\nwith a body", false}, true)
	files{"new.html": ""}.write(t, folder)
	check("dirty", commit{hash, "first: größer\n\nwith a body", true}, true)
	t.Setenv("PATH", t.TempDir())
	check("without git", commit{}, false)
}
