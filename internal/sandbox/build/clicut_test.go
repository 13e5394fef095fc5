package build

import (
	"io"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The cut fits the pinned version, and removes what it is meant to remove.
func TestCutCLI(t *testing.T) {
	cli, err := cliPart(filepath.Join("..", "..", "..")).target(t.Context(), t.TempDir(), false, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	deps, err := cli.command(t.Context(), io.Discard, "list", "-deps", cli.flags[0], cli.flags[1], cliPackage).Output()
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
