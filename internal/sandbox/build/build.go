// Package build builds into bin/ what a run needs and does not find: the program, with its
// provider and the sandbox, and what a machine may not have, the Pulumi CLI and TiDB, whose
// versions internal/tools pins. It says before what it builds, and shows the progress of all
// builds as one.
//
// It imports little, since it is itself compiled before it can say anything.
package build

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
)

// part is something to build.
type part struct {
	name string // with its version
	// missing means that it is announced. Otherwise go build finds out what there is to do.
	missing bool
	// packages is how many the first build on a machine compiles, after the parts before it.
	// linking is the CPU time of linking it, in seconds.
	packages, linking int
	// instead, if there is such a thing, says what makes the build needless.
	instead string
	// target prepares the build in a new folder below scratch. Offline it downloads nothing.
	target func(ctx context.Context, scratch string, offline bool, stderr io.Writer) (target, error)
	finish func() error
}

// Make builds the program and, if they are wanted and missing, the Pulumi CLI and TiDB.
func Make(ctx context.Context, root string, lookup func(string) (string, bool), out io.Writer, cli, tidb bool) error {
	parts, err := choose(ctx, root, lookup, cli, tidb)
	if err != nil {
		return err
	}
	return run(ctx, out, cores(), parts...)
}

// choose returns what there may be to build.
func choose(ctx context.Context, root string, lookup func(string) (string, bool), cli, tidb bool) ([]part, error) {
	parts := []part{programPart(root)}
	if cli {
		found := hasCLI
		if parts[0].missing {
			found = hasRecentCLI // that takes a tenth of a second; otherwise the sandbox looks
		}
		if !found(ctx, root) {
			parts = append(parts, cliPart(root))
		}
	}
	if tidb {
		switch _, err := findTiDB(root, lookup); {
		case errors.Is(err, errNoTiDB):
			parts = append(parts, tidbPart(root))
		case err != nil:
			return nil, err
		}
	}
	return parts, nil
}

// run announces and builds the parts.
func run(ctx context.Context, out io.Writer, cores int, parts ...part) error {
	scratch, err := os.MkdirTemp("", "build-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(scratch) }()
	text := announcement(missing(ctx, scratch, parts), cores)
	fmt.Fprint(out, text)

	p := &progress{out: out, inPlace: isTerminal(out)}
	ctx, cancel := context.WithCancel(ctx)
	defer p.end()
	defer cancel()
	targets := make([]func() (target, error), len(parts))
	for i, part := range parts {
		targets[i] = sync.OnceValues(func() (target, error) { return part.target(ctx, scratch, false, p.lines()) })
	}
	p.count = func() (int, error) {
		packages := map[string]bool{}
		for _, prepared := range targets {
			t, err := prepared()
			if err == nil {
				err = t.stale(ctx, packages)
			}
			if err != nil {
				return 0, err
			}
		}
		if text == "" && len(packages) >= stepPackages {
			time := seconds(len(packages), parts[0].linking, cores)
			p.say(fmt.Sprintf("%d packages to compile, %s", len(packages), onCores(time, cores)))
		}
		return len(packages), nil
	}
	for i, part := range parts {
		t, err := targets[i]()
		if err == nil {
			err = t.run(ctx, p.lines())
		}
		if err == nil {
			err = part.finish()
		}
		if err != nil {
			return fmt.Errorf("building %s: %w", part.name, err)
		}
	}
	return nil
}
