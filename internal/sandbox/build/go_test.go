package build

import (
	"strings"
	"testing"
)

func TestPackages(t *testing.T) {
	var out strings.Builder
	c := Count(&out, []byte(strings.Repeat("x\n\n", 20)))
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
