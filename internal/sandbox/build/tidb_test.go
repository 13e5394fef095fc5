package build

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"portfolio-infra/internal/testcheck"
	"portfolio-infra/internal/testfiles"
)

// project makes a project's folder with sources of TiDB, as far as there are any.
func project(t *testing.T, gomod string) (root string) {
	t.Helper()
	return testfiles.Folder(t, map[string]string{"internal/tools/tidb/go.mod": gomod, "bin/.keep": ""})
}

func unset(string) (string, bool) { return "", false }

// Other sources make another program, and only one is kept.
func TestTiDB_sources(t *testing.T) {
	root := project(t, "go 1.25.11\n")
	testfiles.Write(t, root, map[string]string{"bin/tidb-0123456789ab": "", "bin/tidb.new": ""})
	program, err := findTiDB(root, unset)
	if !errors.Is(err, errNoTiDB) {
		t.Errorf("before it is built: %s, %v", program, err)
	}
	if other, err := BuiltTiDB(project(t, "go 1.25.12\n")); filepath.Base(other) == filepath.Base(program) || err != nil {
		t.Errorf("other sources: %s, %v", other, err)
	}
	if err := tidbPart(root).finish(); err != nil {
		t.Fatal(err)
	}
	if have, err := findTiDB(root, unset); have != program || err != nil {
		t.Errorf("%s, %v", have, err)
	}
	if _, err := os.Stat(filepath.Join(root, "bin/tidb-0123456789ab")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the old program: %v", err)
	}
}

// TiDB is built by its own Go; where that cannot be downloaded, by any, under that one's name.
func TestTiDB_toolchain(t *testing.T) {
	const own = "go1.98.7" // no machine has it
	root := project(t, "go 1.98.7\n")
	t.Setenv("GOPROXY", "off")
	t.Setenv("GOMODCACHE", t.TempDir())
	for offline, want := range map[bool]string{true: own, false: "local"} {
		var said strings.Builder
		have, err := tidbPart(root).target(t.Context(), "", offline, &said)
		if err != nil || have.toolchain != want {
			t.Errorf("offline %v: %s, want %s; %v", offline, have.toolchain, want, err)
		}
		if renamed := strings.Contains(strings.Join(have.build, " "), "-X runtime.buildVersion="+own); renamed == offline || strings.Contains(said.String(), own+" cannot be downloaded") == offline {
			t.Errorf("offline %v: it says %q and builds with %q", offline, said.String(), have.build)
		}
	}
	// A Go that is there is used as it is.
	local := strings.TrimPrefix(runtime.Version(), "go")
	var said strings.Builder
	have, err := tidbPart(project(t, "go "+local+"\n")).target(t.Context(), "", false, &said)
	if err != nil || have.toolchain != runtime.Version() || said.Len() > 0 || strings.Contains(strings.Join(have.build, " "), "buildVersion") {
		t.Errorf("%s, %v; it says %q and builds with %q", have.toolchain, err, said.String(), have.build)
	}
}

func TestTiDB_environment(t *testing.T) {
	named := func(program string) func(string) (string, bool) {
		return func(name string) (string, bool) { return program, name == "TIDB_SERVER" }
	}
	folder := t.TempDir()
	program := filepath.Join(folder, "tidb")
	_, err := TiDB(t.Context(), folder, named(program), io.Discard)
	testcheck.Error(t, err, "TIDB_SERVER")
	testfiles.Write(t, folder, map[string]string{"tidb": ""})
	if have, err := TiDB(t.Context(), folder, named(program), io.Discard); have != program || err != nil {
		t.Errorf("%s, %v", have, err)
	}
}
