package emulator

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"portfolio-infra/internal/testcheck"
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
	for name, err := range map[string]error{
		"not JSON":         Save(path, func() {}),
		"a missing folder": Save(filepath.Join(dir, "no", "state.json"), 1),
		"over a folder":    Save(path, 1),
	} {
		if err == nil {
			t.Errorf("%s: it was saved", name)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("a temporary file is left: %v %v", entries, err)
	}
}

func TestLoad_fails(t *testing.T) {
	dir := t.TempDir()
	if err := Load(dir, new(int)); err == nil {
		t.Error("a folder was read")
	}
	path := filepath.Join(dir, "state.json")
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	testcheck.Error(t, Load(path, new(int)), path+" (remove it to start over)")
}

// wantPrivate checks that only its owner can read a file.
func wantPrivate(t *testing.T, path string) {
	t.Helper()
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the mode is %v, %v", info.Mode(), err)
	}
}
