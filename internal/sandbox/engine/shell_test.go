package engine

import (
	"net/url"
	"os"
	"path/filepath"
	"testing"
)

// A path may have characters that a URL cannot have. Neither backend has files of metadata.
func TestBackendURL(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "C# 50%", "a?b")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	shell, err := Shell(dir)
	if err != nil {
		t.Fatal(err)
	}
	e := &Engine{Dir: dir, Env: map[string]string{passphraseVariable: "of the test"}}
	for folder, address := range map[string]string{"shell": shell["PULUMI_BACKEND_URL"], "state": e.Environment()["PULUMI_BACKEND_URL"]} {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		if u.Scheme != "file" || u.Path != filepath.Join(dir, folder) || u.RawQuery != "metadata=skip" || u.Fragment != "" {
			t.Errorf("%s: %s", folder, address)
		}
	}
}
