// Package build builds the programs that a run needs and a machine may not have, into bin/.
// internal/tools pins their versions. Each is built once, which takes minutes; the build
// prints its progress.
package build

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
)

// Go returns a go command in the module at dir, without a workspace.
func Go(ctx context.Context, dir string, stderr io.Writer, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir, cmd.Env, cmd.Stderr = dir, append(os.Environ(), "GOWORK=off"), stderr
	return cmd
}

// Packages is a writer for the output of go build -v, which names each package that it
// compiles. It prints the build's progress and passes everything else on.
type Packages struct {
	Out     io.Writer
	Total   int
	done    int
	partial []byte
}

// Count returns the writer for a build. list is go list's output: an x for each package to be
// compiled.
func Count(out io.Writer, list []byte) *Packages {
	return &Packages{Out: out, Total: max(1, bytes.Count(list, []byte("x")))}
}

// Write implements [io.Writer].
func (c *Packages) Write(b []byte) (int, error) {
	c.partial = append(c.partial, b...)
	for {
		line, rest, whole := bytes.Cut(c.partial, []byte("\n"))
		if !whole {
			return len(b), nil
		}
		c.partial = rest
		if bytes.ContainsAny(line, " \t") {
			fmt.Fprintf(c.Out, "%s\n", line)
			continue
		}
		c.done++
		if c.done*10/c.Total > (c.done-1)*10/c.Total {
			fmt.Fprintf(c.Out, "  %d of %d packages\n", c.done, c.Total)
		}
	}
}
