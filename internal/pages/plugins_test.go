package pages

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Plugin folders get names that depend only on their content, in the code too.
func TestCompiled_namePlugins(t *testing.T) {
	const one, two, three = "11111111-aedc-4be1-bd52-e4ae52819c28", "22222222-aedc-4be1-bd52-e4ae52819c28", "33333333-aedc-4be1-bd52-e4ae52819c28"
	name := func(one, two, three string) string {
		c := &compiled{folder: t.TempDir(), files: map[string][]byte{workerFile: []byte("1 " + one + " 2 " + two + " 3 " + three)}}
		files{one + "/a/b.css": "x", two + "/a/b.css": "x", three + "/a/b.css": "y"}.write(t, filepath.Join(c.site(), pluginsFolder))
		if err := c.namePlugins(); err != nil {
			t.Fatal(err)
		}
		names := strings.Fields(string(c.files[workerFile]))
		if names[1] != names[3] || names[1] == names[5] {
			t.Errorf("named %q", names)
		}
		for i, content := range map[int]string{1: "x", 5: "y"} {
			if got, err := os.ReadFile(filepath.Join(c.site(), pluginsFolder, names[i], "a/b.css")); err != nil || string(got) != content {
				t.Errorf("%q, %v; want %q", got, err, content)
			}
		}
		return string(c.files[workerFile])
	}
	if name(one, two, three) != name(three, one, two) {
		t.Error("other random names give other names")
	}
}
