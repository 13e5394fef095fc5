package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

const (
	projectName = "portfolio"
	stackName   = "dev"
)

// sandbox is one offline run.
type sandbox struct {
	// root is the project's folder, dir the one that everything is kept in.
	root, dir string
	// config holds values for this run, by key with namespace.
	config map[string]any
	// served: the clouds are those that another process serves, as the environment
	// of this one says.
	served         bool
	stdout, stderr io.Writer
}

// newSandbox finds the project's folder, which must be the working directory: the
// program's paths are relative to it.
func newSandbox(stdout, stderr io.Writer) (*sandbox, error) {
	root, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(root, "Pulumi.yaml")); err != nil {
		return nil, fmt.Errorf("%s has no Pulumi.yaml: run this in the project's folder", root)
	}
	dir := os.Getenv("SANDBOX_DIR")
	if dir == "" {
		dir = ".sandbox"
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, err
	}
	return &sandbox{root: root, dir: dir, config: map[string]any{}, stdout: stdout, stderr: stderr}, nil
}

// makeFolders makes those that the engine expects to be there.
func (s *sandbox) makeFolders() error {
	for _, folder := range []string{"state", "tmp"} {
		if err := os.MkdirAll(s.path(folder), 0o700); err != nil {
			return fmt.Errorf("SANDBOX_DIR: %w", err)
		}
	}
	return nil
}

// path returns a path below the sandbox's own folder.
func (s *sandbox) path(name string) string { return filepath.Join(s.dir, name) }

// shown returns a path below the sandbox's own folder as a person knows it.
func (s *sandbox) shown(name string) string {
	if short, err := filepath.Rel(s.root, s.path(name)); err == nil && filepath.IsLocal(short) {
		return short
	}
	return s.path(name)
}

// lock keeps a second process out: both would write the same emulated clouds.
func (s *sandbox) lock(ctx context.Context) (unlock func(), err error) {
	if err := s.makeFolders(); err != nil {
		return nil, err
	}
	l := flock.New(s.path("lock"))
	wait, stop := context.WithTimeout(ctx, time.Second)
	defer stop()
	ok, err := l.TryLockContext(wait, 50*time.Millisecond)
	switch {
	case ok:
		return func() { _ = l.Unlock() }, nil
	case errors.Is(err, context.DeadlineExceeded):
		return nil, errors.New("another sandbox is running in this folder: wait for it, or end it (`sandbox serve -stop` if it serves)")
	default:
		return nil, fmt.Errorf("locking the sandbox: %w", err)
	}
}
