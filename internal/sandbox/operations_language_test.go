package main

import (
	"os"
	"path/filepath"
)

// addLanguageHost puts a language host on the PATH of the fixture's engine, which
// `pulumi import` starts though it runs no program: see [TestMain].
func (f *fixture) addLanguageHost() {
	f.Helper()
	self, err := os.Executable()
	if err != nil {
		f.Fatal(err)
	}
	path := filepath.Join(f.Dir, "path", "pulumi-language-go")
	if _, err := os.Lstat(path); err == nil {
		return
	}
	if err := os.Symlink(self, path); err != nil {
		f.Fatal(err)
	}
}
