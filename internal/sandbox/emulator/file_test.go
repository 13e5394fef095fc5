package emulator

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestSave_Load(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "state.json")
	got := map[string]int{"before": 1}
	if err := Load(path, &got); err != nil || got["before"] != 1 {
		t.Errorf("where there is no file: %v %v", got, err)
	}
	for _, want := range []map[string]int{{"a": 1, "b": 2}, {"c": 3}} {
		if err := Save(path, want); err != nil {
			t.Fatal(err)
		}
		got = nil
		if err := Load(path, &got); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("it is read as %v, %v", got, err)
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file can be read by others: %v %v", info.Mode(), err)
	}
	left(t, dir, "state.json")
}

func TestSave_Fails(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "state.json")
	if err := Save(path, func() {}); err == nil {
		t.Error("what is not JSON was saved")
	}
	if err := Save(filepath.Join(dir, "no", "state.json"), 1); err == nil {
		t.Error("it was saved in a folder that is not there")
	}
	if err := os.MkdirAll(filepath.Join(path, "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := Save(path, 1); err == nil {
		t.Error("it was saved in the place of a folder")
	}
	left(t, dir, "state.json")
}

func TestLoad_Fails(t *testing.T) {
	dir := t.TempDir()
	if err := Load(dir, new(int)); err == nil {
		t.Error("a folder was read")
	}
	path := filepath.Join(dir, "state.json")
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Load(path, new(int)); err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "remove it") {
		t.Errorf("a broken file: %v", err)
	}
}

// left checks what is in a folder: no file that was to be renamed may stay.
func left(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the folder has %v, want %v", got, want)
	}
}
