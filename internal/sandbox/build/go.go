// Package build builds, into bin/, what a run needs and a machine may not have: the programs
// that internal/tools pins. Each is built once, which takes minutes, and says how far it is.
package build

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
)

// Go is a go command in a module that no workspace changes.
func Go(ctx context.Context, dir string, stderr io.Writer, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir, cmd.Env, cmd.Stderr = dir, append(os.Environ(), "GOWORK=off"), stderr
	return cmd
}

// Packages takes the output of go build -v, which names each package that it
// compiles. It says how far the build is, and passes everything else on.
type Packages struct {
	Out     io.Writer
	Total   int
	done    int
	partial []byte
}

// Count returns a writer for a build. list is what go list says of what is to be compiled:
// an x for each package.
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
