package build

import (
	"context"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// target is what one go build builds, with whatever go commands need for it.
type target struct {
	dir       string
	toolchain string   // GOTOOLCHAIN, unless it is the environment's
	env       []string // on top of the process's
	flags     []string // of go list, too
	build     []string // more flags of go build
	packages  []string
}

// command returns a go command.
func (t target) command(ctx context.Context, stderr io.Writer, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir, cmd.Env, cmd.Stderr = t.dir, append(os.Environ(), t.env...), stderr
	if t.toolchain != "" {
		cmd.Env = append(cmd.Env, "GOTOOLCHAIN="+t.toolchain)
	}
	return cmd
}

// offline returns the target without the network.
func (t target) offline() target {
	t.env = append(slices.Clone(t.env), "GOPROXY=off")
	return t
}

// stale adds the packages that go build would compile to a set, but for the main ones: of
// these it does not know.
func (t target) stale(ctx context.Context, packages map[string]bool) error {
	args := append([]string{"list", "-deps", "-trimpath", "-f", `{{if and .Stale (ne .Name "main")}}{{.ImportPath}}{{end}}`}, t.flags...)
	out, err := t.command(ctx, io.Discard, append(args, t.packages...)...).Output()
	for _, name := range strings.Fields(string(out)) {
		packages[t.toolchain+" "+name] = true
	}
	return err
}

// run builds the target. To stderr it names each package that it compiles.
func (t target) run(ctx context.Context, stderr io.Writer) error {
	args := append([]string{"build", "-v", "-buildvcs=false", "-trimpath"}, t.flags...)
	args = append(args, t.build...)
	return t.command(ctx, stderr, append(args, t.packages...)...).Run()
}
