package pages

import (
	"os"
	"path/filepath"
	"testing"

	"portfolio-infra/internal/testfiles"
)

// files are the contents of a folder, as [testfiles.Write] takes them.
type files map[string]string

// write adds the files to a folder.
func (f files) write(t testing.TB, folder string) {
	t.Helper()
	testfiles.Write(t, folder, f)
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
