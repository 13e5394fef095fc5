// Package testfiles writes the files of tests, and searches them.
package testfiles

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Write adds files to a folder, by their slash-separated paths. A content that begins with "-> "
// is the target of a symbolic link.
func Write(t testing.TB, folder string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		file := filepath.Join(folder, filepath.FromSlash(name))
		err := os.MkdirAll(filepath.Dir(file), 0o700)
		if target, ok := strings.CutPrefix(content, "-> "); ok {
			err = errors.Join(err, os.Symlink(target, file))
		} else {
			err = errors.Join(err, os.WriteFile(file, []byte(content), 0o600))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// Folder returns a new folder with files, as [Write] writes them.
func Folder(t testing.TB, files map[string]string) string {
	t.Helper()
	folder := t.TempDir()
	Write(t, folder, files)
	return folder
}

// Lack fails the test if a file below the folder has one of the texts.
func Lack(t testing.TB, folder string, texts ...string) {
	t.Helper()
	err := filepath.WalkDir(folder, func(file string, entry os.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(file)
		for _, text := range texts {
			if strings.Contains(string(content), text) {
				t.Errorf("%s has %q", file, text)
			}
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
