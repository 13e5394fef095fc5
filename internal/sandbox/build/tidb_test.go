package build

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Other sources make another program. A program without its bootstrapped data is not enough.
func TestBuiltTiDB(t *testing.T) {
	root := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		file := filepath.Join(root, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	seen := map[string]bool{}
	for _, text := range []string{"go 1.25.11\n", "go 1.25.12\n"} {
		write("internal/tools/tidb/go.mod", text)
		program, err := BuiltTiDB(root)
		if !errors.Is(err, fs.ErrNotExist) || seen[program] {
			t.Errorf("%s: %v", program, err)
		}
		seen[program] = true
		for _, part := range []string{program, program + ".data/kv"} {
			if _, err := BuiltTiDB(root); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("without %s: %v", part, err)
			}
			name, err := filepath.Rel(root, part)
			if err != nil {
				t.Fatal(err)
			}
			write(name, "")
		}
		if again, err := BuiltTiDB(root); again != program || err != nil {
			t.Errorf("%s: %v", again, err)
		}
		if toolchain, err := tidbToolchain(root); "go"+strings.Fields(text)[1] != toolchain || err != nil {
			t.Errorf("the toolchain is %s, %v", toolchain, err)
		}
	}
}

func TestTiDB_environment(t *testing.T) {
	named := func(program string) func(string) (string, bool) {
		return func(name string) (string, bool) { return program, name == "TIDB_SERVER" }
	}
	program := filepath.Join(t.TempDir(), "tidb")
	if _, err := TiDB(t.Context(), t.TempDir(), named(program), io.Discard); err == nil || !strings.Contains(err.Error(), "TIDB_SERVER") {
		t.Errorf("a program that is missing: %v", err)
	}
	if err := os.WriteFile(program, nil, 0o700); err != nil {
		t.Fatal(err)
	}
	if have, err := TiDB(t.Context(), t.TempDir(), named(program), io.Discard); have != program || err != nil {
		t.Errorf("%s, %v", have, err)
	}
}
