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
	dir, err := c.world.checkouts.build(commit)
	if err != nil {
		c.Skipf("%s cannot be built here (a shallow clone lacks it): %v", commit, err)
	}
	out, err := c.startIn(dir, "up").wait()
	c.Logf("the older program: %v\n%s", err, lastLines(out))
	c.said.WriteString(out)
	c.keptRows("up of the older program")
	c.leftStrangers("up of the older program")
}

// checkouts has the checkouts of earlier commits, with what their `make build` makes.
type checkouts struct {
	folder string
	mu     sync.Mutex
	built  map[string]bool
}

// build returns the checkout of a commit, which it builds once.
func (b *checkouts) build(commit string) (dir string, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	dir = filepath.Join(b.folder, commit)
	if b.built[commit] {
		return dir, nil
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
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
	b.built[commit] = true
	return dir, nil
}
