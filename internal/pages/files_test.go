package pages

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// files are the contents of a folder by path. A value that begins with "-> " is the target
// of a symbolic link.
type files map[string]string

// write adds the files to a folder.
func (f files) write(t testing.TB, folder string) {
	t.Helper()
	for name, content := range f {
		file := filepath.Join(folder, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		var err error
		if target, ok := strings.CutPrefix(content, "-> "); ok {
			err = os.Symlink(target, file)
		} else {
			err = os.WriteFile(file, []byte(content), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// site writes the files to a new project with the site "public", and returns its folder.
func (f files) site(t testing.TB) string {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "public")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	f.write(t, folder)
	return folder
}
