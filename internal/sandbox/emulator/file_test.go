package emulator

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"portfolio-infra/internal/testcheck"
	"portfolio-infra/internal/testfiles"
)

func TestSave_Load(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.json")
	got := map[string]int{"before": 1}
	if err := Load(path, &got); err != nil || got["before"] != 1 {
		t.Errorf("without a file: %v %v", got, err)
	}
	for _, want := range []map[string]int{{"a": 1, "b": 2}, {"c": 3}} {
		if err := Save(path, want); err != nil {
			t.Fatal(err)
		}
		got = nil
		if err := Load(path, &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("the state changed (-want +got):\n%s", diff)
		}
	}
	wantPrivate(t, path)
}

func TestSave_fails(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "state.json")
	if err := os.MkdirAll(filepath.Join(path, "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	testcheck.Error(t, Save(path, func() {}), "unsupported type")
	testcheck.Error(t, Save(filepath.Join(dir, "no", "state.json"), 1), "no such file")
	testcheck.Error(t, Save(path, 1), "file exists")
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("a temporary file is left: %v %v", entries, err)
	}
}

func TestLoad_fails(t *testing.T) {
	path := filepath.Join(testfiles.Folder(t, map[string]string{"state.json": "{"}), "state.json")
	testcheck.Error(t, Load(path, new(int)), path+" (remove it to start over)")
	testcheck.Error(t, Load(filepath.Dir(path), new(int)), "is a directory")
}

// wantPrivate checks that only its owner can read a file.
func wantPrivate(t *testing.T, path string) {
	t.Helper()
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the mode is %v, %v", info.Mode(), err)
	}
}
