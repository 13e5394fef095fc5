package engine

import (
	"io"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The cut fits the pinned version, and takes with it what it is there for.
func TestCutCLI(t *testing.T) {
	tools := filepath.Join("..", "..", "tools")
	modfile, err := cutCLI(t.Context(), tools, t.TempDir(), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	deps, err := goIn(t.Context(), tools, io.Discard, "list", "-modfile", modfile, "-deps", cliPackage).Output()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(deps), "gocloud.dev/blob/fileblob\n") {
		t.Error("the file backend is missing")
	}
	clouds := regexp.MustCompile(`(?m)^(github\.com/(ccojocar|nbutton23)/|github\.com/aws/|github\.com/Azure/|cloud\.google\.com/|github\.com/hashicorp/vault/|github\.com/envoyproxy/|github\.com/pb33f/|github\.com/lib/pq|github\.com/charmbracelet/glamour).*$`)
	for _, dep := range clouds.FindAllString(string(deps), 5) {
		t.Errorf("%s is still compiled", dep)
	}
}

func TestBuildCounter(t *testing.T) {
	var out strings.Builder
	c := &buildCounter{out: &out, total: 20}
	for _, text := range []string{"go: downloading x v1.0.0\n", "a/b\nc", "/d\n", "# e/f\n", strings.Repeat("g\n", 18)} {
		if n, err := c.Write([]byte(text)); n != len(text) || err != nil {
			t.Fatal(n, err)
		}
	}
	want := "go: downloading x v1.0.0\n  2 of 20 packages\n# e/f\n  4 of 20 packages\n"
	if got := out.String(); !strings.HasPrefix(got, want) || !strings.HasSuffix(got, "  20 of 20 packages\n") || strings.Count(got, "\n") != 12 {
		t.Errorf("printed %q", got)
	}
}
