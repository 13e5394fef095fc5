// Package sqltest has what tests of other packages need of SQL servers.
package sqltest

import (
	"os"
	"path/filepath"
	"testing"

	"portfolio-infra/internal/sandbox/build"
	"portfolio-infra/internal/sandbox/emulator/sql"
)

// TiDB returns the path of the SQL servers' program. It does not build the program, which
// takes minutes.
func TiDB(t testing.TB) string {
	t.Helper()
	if program := os.Getenv(build.TiDBVariable); program != "" {
		return program
	}
	program, err := build.BuiltTiDB(root(t))
	if err == nil {
		_, err = os.Stat(program)
	}
	if err != nil {
		t.Fatalf("TiDB is not built: run `make build PARTS=tidb` first (%v)", err)
	}
	if err := sql.Prepare(program); err != nil {
		t.Fatal(err)
	}
	return program
}

// root returns the project's folder.
func root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "Pulumi.yaml")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("the test does not run in the project's folder")
		}
		dir = filepath.Dir(dir)
	}
}
