package build

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/mod/modfile"

	"portfolio-infra/internal/sandbox/emulator/sql"
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
func TiDB(ctx context.Context, root string, lookup func(string) (string, bool), progress io.Writer) (string, error) {
	if program, ok := lookup(TiDBVariable); ok && program != "" {
		if _, err := os.Stat(program); err != nil {
			return "", fmt.Errorf("%s: %w", TiDBVariable, err)
		}
		return filepath.Abs(program)
	}
	program, err := BuiltTiDB(root)
	if !errors.Is(err, fs.ErrNotExist) {
		return program, err
	}
	if err := buildTiDB(ctx, root, program, progress); err != nil {
		return "", fmt.Errorf("building TiDB: %w", err)
	}
	return program, nil
}

// BuiltTiDB returns the program in bin/ that was built from the sources in internal/tools/tidb.
// The error is [fs.ErrNotExist] if there is none.
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
	if err != nil {
		return "", err
	}
	program := filepath.Join(root, "bin", fmt.Sprintf("tidb-%.6x", h.Sum(nil)))
	for _, part := range []string{program, sql.Bootstrapped(program)} {
		if _, err := os.Stat(part); err != nil {
			return program, err
		}
	}
	return program, nil
}

func tidbSources(root string) string { return filepath.Join(root, "internal", "tools", "tidb") }

// buildTiDB builds the program, and the data that new clusters are copied from.
func buildTiDB(ctx context.Context, root, program string, progress io.Writer) error {
	flags := "-w -s -X " + tidbVersionVar + "=" + tidbVersion
	toolchain, err := tidbToolchain(root)
	if err != nil {
		return err
	}
	if _, err := tidbGo(ctx, root, io.Discard, toolchain, "version").Output(); err != nil {
		fmt.Fprintf(progress, "warning: %s cannot be downloaded, with which TiDB is meant to be built: this Go builds it under its name\n", toolchain)
		// TiDB checks the version's name, since it reads the memory of Go's maps:
		// https://github.com/pingcap/tidb/blob/v8.5.6/pkg/util/hack/map_abi.go
		flags += " -X runtime.buildVersion=" + toolchain
		toolchain = "local"
	}
	stale, err := tidbGo(ctx, root, progress, toolchain, "list", "-trimpath", "-deps", "-f", "{{if .Stale}}x{{end}}", ".").Output()
	if err != nil {
		return err
	}
	packages := Count(progress, stale)
	fmt.Fprintf(progress, "building TiDB %s into bin/: up to %d packages, only once\n", tidbVersion, packages.Total)
	old, err := filepath.Glob(filepath.Join(root, "bin", "tidb-*"))
	if err != nil {
		return err
	}
	for _, name := range old {
		if err := os.RemoveAll(name); err != nil {
			return err
		}
	}
	if err := tidbGo(ctx, root, packages, toolchain, "build", "-v", "-buildvcs=false", "-trimpath", "-ldflags", flags, "-o", program, ".").Run(); err != nil {
		return err
	}
	return sql.Bootstrap(program, sql.Bootstrapped(program))
}

// tidbGo returns a go command of TiDB's own toolchain. More frequent garbage collection keeps
// its biggest process, the linker, small.
func tidbGo(ctx context.Context, root string, stderr io.Writer, toolchain string, args ...string) *exec.Cmd {
	cmd := Go(ctx, tidbSources(root), stderr, args...)
	cmd.Env = append(cmd.Env, "GOTOOLCHAIN="+toolchain, "GOFLAGS=", "CGO_ENABLED=0", "GOGC=50")
	return cmd
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
