package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
)

// older runs an up of the program at a commit on the trial's folder and clouds.
func (c *trial) older(commit string) {
	c.Helper()
	dir, err := checkouts.build(commit)
	if err != nil {
		c.Skipf("%s cannot be built here (a shallow clone lacks it): %v", commit, err)
	}
	out, err := c.startIn(dir, "up").wait()
	c.Logf("the older program: %v\n%s", err, lastLines(out))
	c.said.WriteString(out)
	c.keptRows("up of the older program")
	c.leftStrangers("up of the older program")
}

// builds are checkouts of earlier commits with what their `make build` makes.
type builds struct {
	mu   sync.Mutex
	dirs map[string]string
}

var checkouts = builds{dirs: map[string]string{}}

// build returns the checkout of a commit, which it builds once.
func (b *builds) build(commit string) (dir string, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.dirs[commit] != "" {
		return b.dirs[commit], nil
	}
	if dir, err = os.MkdirTemp("", "older-"); err != nil {
		return "", err
	}
	// An archive, unlike a worktree, leaves nothing in the repository.
	script := fmt.Sprintf("git archive %s | tar -x -C %q && mkdir -p %[2]q/bin && ln -s %q %[2]q/bin/pulumi && make -C %[2]q build",
		commit, dir, filepath.Join(root, "bin", "pulumi"))
	cmd := exec.Command("/bin/sh", "-c", script)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, strings.TrimSpace(string(out)))
	}
	b.dirs[commit] = dir
	return dir, nil
}
