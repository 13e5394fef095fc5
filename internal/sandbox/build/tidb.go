package build

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/modfile"
)

// TiDBVariable is the environment variable that names a program to use in place of the one in
// bin/. It must have been built from internal/tools/tidb.
const TiDBVariable = "TIDB_SERVER"

// The version that internal/tools/tidb pins by a commit. VERSION() returns this one.
const (
	tidbVersion    = "v8.5.6"
	tidbVersionVar = "github.com/pingcap/tidb/pkg/parser/mysql.TiDBReleaseVersion"
)

// TiDB returns the path of the SQL server: the one that TIDB_SERVER names, or else the one in
// bin/. It builds the latter if there is none from these sources.
func TiDB(ctx context.Context, root string, lookup func(string) (string, bool), out io.Writer) (string, error) {
	program, err := findTiDB(root, lookup)
	if errors.Is(err, errNoTiDB) {
		err = run(ctx, out, cores(), tidbPart(root))
	}
	return program, err
}

// errNoTiDB reports that TiDB is to be built.
var errNoTiDB = errors.New("TiDB is not built")

// findTiDB returns the path of the SQL server. If the error is errNoTiDB, it is to be built
// there.
func findTiDB(root string, lookup func(string) (string, bool)) (string, error) {
	if program, ok := lookup(TiDBVariable); ok && program != "" {
		if _, err := os.Stat(program); err != nil {
			return "", fmt.Errorf("%s: %w", TiDBVariable, err)
		}
		return filepath.Abs(program)
	}
	program, err := BuiltTiDB(root)
	if err == nil && !exist(program) {
		err = errNoTiDB
	}
	return program, err
}

// BuiltTiDB returns the path of the program in bin/ that is built from the sources in
// internal/tools/tidb.
func BuiltTiDB(root string) (string, error) {
	sources := os.DirFS(tidbSources(root))
	h := sha256.New()
	fmt.Fprintln(h, tidbVersion)
	err := fs.WalkDir(sources, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := fs.ReadFile(sources, name)
		fmt.Fprintf(h, "%s %d\n%s", name, len(b), b)
		return err
	})
	return filepath.Join(root, "bin", fmt.Sprintf("tidb-%.6x", h.Sum(nil))), err
}

func tidbSources(root string) string { return filepath.Join(root, "internal", "tools", "tidb") }

func tidbPart(root string) part {
	built := filepath.Join(root, "bin", "tidb.new")
	return part{
		name:     "TiDB " + tidbVersion,
		missing:  true,
		packages: 1680, linking: 40,
		instead: TiDBVariable + "=PATH, if another folder has it built,",
		target: func(ctx context.Context, _ string, offline bool, stderr io.Writer) (target, error) {
			toolchain, err := tidbToolchain(root)
			if err != nil {
				return target{}, err
			}
			t := target{dir: tidbSources(root), toolchain: toolchain, packages: []string{"."}}
			// GOGC keeps its biggest process, the linker, small.
			t.env = []string{"GOWORK=off", "GOFLAGS=", "CGO_ENABLED=0", "GOGC=50"}
			flags := "-w -s -X " + tidbVersionVar + "=" + tidbVersion
			if !offline && t.command(ctx, io.Discard, "version").Run() != nil {
				fmt.Fprintf(stderr, "warning: %s cannot be downloaded, with which TiDB is meant to be built: this Go builds it under its name\n", toolchain)
				// TiDB checks the version's name, since it reads the memory of Go's maps:
				// https://github.com/pingcap/tidb/blob/v8.5.6/pkg/util/hack/map_abi.go
				t.toolchain = "local"
				flags += " -X runtime.buildVersion=" + toolchain
			}
			t.build = []string{"-ldflags", flags, "-o", built}
			return t, nil
		},
		// A program that is there is whole, and the only one.
		finish: func() error {
			program, err := BuiltTiDB(root)
			if err != nil {
				return err
			}
			old, err := filepath.Glob(filepath.Join(root, "bin", "tidb-*"))
			for _, name := range old {
				err = errors.Join(err, os.RemoveAll(name))
			}
			return errors.Join(err, os.Rename(built, program))
		},
	}
}

// tidbToolchain returns the Go version that TiDB's go.mod names, in the form of GOTOOLCHAIN.
func tidbToolchain(root string) (string, error) {
	file := filepath.Join(tidbSources(root), "go.mod")
	b, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	mod, err := modfile.ParseLax(file, b, nil)
	if err != nil {
		return "", err
	}
	return "go" + strings.TrimSpace(mod.Go.Version), nil
}
