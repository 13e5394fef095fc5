// Command slim cuts a Pulumi SDK down to what this module uses of it.
//
// # Why
//
// The Go SDK of a large Pulumi provider is one package. That of Cloudflare has 24,748 top-level names, which takes the
// compiler 16 GB and several minutes of processor time; this module uses a few hundred of them. Pruning after the
// fact, which linkers do, comes too late: the cost lies in compiling the package.
//
// # What it does
//
// It reads the module's own Go files for what they select of the package (names.go), asks the go command which version
// of the SDK go.mod requires and where that lies (module.go), lists the declarations of the package and what each of
// them names (decls.go, pieces.go, refs.go), follows these names from the ones that the module uses (keep.go), and
// writes a copy that has only the declarations it came by (render.go, write.go) to .slim/<module path>. A go.work
// (workspace.go) whose replace line points there puts the copy in place for every go command, every editor and for
// Pulumi's language host. Both are ignored by git; go.mod goes on to require the real SDK, so that a fresh clone builds
// without slim, only heavily. A build with the copy needs no module that one without it does not need: where a go.work
// by itself would have the go command download more, it is told that there is nothing to find.
//
// # What is kept
//
// A kept type keeps its methods, and a kept declaration keeps whatever its text names. What Pulumi's runtime finds by
// reflection hangs on registrations in init functions, which nothing names; a statement of an init function is kept when
// the types it registers are kept. The same holds for the cases of a module's Construct method, and a module or package
// is registered when one of the resources that it can construct is kept. A resource without such a registration is what
// the runtime makes of any resource that it has no SDK for.
//
// # When the code starts to use another name
//
// Running slim again settles it. A build that comes first fails, and must say why: the copy therefore declares the
// names that were left out as stand-ins, at whose use the compiler says to run make slim (dropped.go).
//
// # When nothing changed
//
// The run ends after a few milliseconds: .slim/slim.json says from what the copy was made and what it consists of
// (stamp.go). It is written last, so a run that was killed is a run that never happened: the next one finds no stamp
// that fits and does the work. Files whose content stays the same are not touched.
//
// # Limits
//
// What other modules in the build use of the SDK is not seen, only what this one does. Build constraints are ignored:
// what the module uses on any system is kept.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// defaultPackage is what a run without flags cuts.
const defaultPackage = "github.com/pulumi/pulumi-cloudflare/sdk/v6/go/cloudflare"

// The exit codes.
const (
	exitOK      = 0
	exitFailure = 1
	exitUsage   = 2
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := run(ctx, ".", os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is the command: it works on the module that dir lies in and returns the exit code.
func run(ctx context.Context, dir string, args []string, stdout, stderr io.Writer) int {
	packages, err := parseFlags(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case err != nil:
		return exitUsage
	}
	report, err := slim(ctx, dir, packages)
	if err != nil {
		fmt.Fprintf(stderr, "slim: %v\n", err)
		return exitFailure
	}
	for _, line := range report {
		fmt.Fprintf(stdout, "slim: %s\n", line)
	}
	return exitOK
}

// parseFlags returns the packages to cut. Errors have been printed when it returns.
func parseFlags(args []string, stderr io.Writer) ([]string, error) {
	var packages []string
	flags := flag.NewFlagSet("slim", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Func("package", "import `path` of an SDK package to cut; may be given several times (default "+defaultPackage+")",
		func(value string) error {
			if err := checkImportPath(value); err != nil {
				return err
			}
			packages = append(packages, value)
			return nil
		})
	flags.Usage = func() {
		fmt.Fprint(flags.Output(), "usage: go run ./internal/slim [-package path]...\n\n"+
			"Cuts the named packages down to what this module uses of them, and puts the result in place by a go.work.\n\n")
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	if flags.NArg() > 0 {
		err := fmt.Errorf("unexpected argument %q", flags.Arg(0))
		fmt.Fprintf(stderr, "%v; packages are named by -package\n", err)
		flags.Usage()
		return nil, err
	}
	if len(packages) == 0 {
		packages = []string{defaultPackage}
	}
	slices.Sort(packages)
	return slices.Compact(packages), nil
}

// checkImportPath says what keeps value from being the import path of a package. The path becomes part of file names
// and of go.work, so nothing passes that could mean something there.
func checkImportPath(value string) error {
	allowed := func(r rune) bool {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("-._~/", r)
	}
	switch {
	case value == "":
		return errors.New("the path is empty")
	case path.IsAbs(value) || filepath.IsAbs(value):
		return errors.New("this is an absolute path; give the import path of a package")
	case slices.Contains(strings.Split(value, "/"), ".."):
		return errors.New(`an import path has no ".." in it`)
	case strings.ContainsFunc(value, func(r rune) bool { return !allowed(r) }):
		return errors.New("an import path has letters, digits and -._~/ only")
	case path.Clean(value) != value || strings.HasPrefix(value, "."):
		return errors.New("this is not an import path as an import declaration has it")
	}
	return nil
}

// slim brings the copy and go.work up to date for the module that dir lies in, and returns what to tell the user.
func slim(ctx context.Context, dir string, packages []string) ([]string, error) {
	prog, err := findProgram(ctx, dir)
	if err != nil {
		return nil, err
	}
	if err := checkWorkspace(prog.root); err != nil {
		return nil, err
	}
	s, err := findSDKs(ctx, prog, packages)
	if err != nil {
		return nil, err
	}
	used, err := scanProgram(prog, s)
	if err != nil {
		return nil, err
	}
	in, err := newInput(prog, s, used)
	if err != nil {
		return nil, err
	}
	if current := upToDate(prog.root, in); current != nil {
		written, err := writeWorkspace(prog, s, current.Emptied)
		if err != nil {
			return nil, err
		}
		if written {
			return []string{"wrote " + workspaceFile + "; the copy is up to date"}, nil
		}
		return []string{"up to date"}, nil
	}

	cut, err := cutPackages(s, used)
	if err != nil {
		return nil, err
	}
	files, err := cut.render()
	if err != nil {
		return nil, err
	}
	emptied, err := emptiedModules(ctx, prog)
	if err != nil {
		return nil, err
	}
	addEmptied(files, emptied)
	if err := writeCopy(prog.root, newStamp(in, emptied, files), files); err != nil {
		return nil, fmt.Errorf("writing %s: %w", outputDir, err)
	}
	if _, err := writeWorkspace(prog, s, emptied); err != nil {
		return nil, err
	}
	return cut.summary(files), nil
}
