// Command slim cuts a Pulumi SDK down to what this module uses of it.
//
// # Why
//
// The Go SDK of a large Pulumi provider is one package. Cloudflare's has 24,748 top-level names and takes the compiler
// 16 GB and several minutes of processor time (https://github.com/pulumi/pulumi-cloudflare/issues/1652). This module
// uses a few hundred of them. It does not help that the linker drops the others: compiling the package is what costs.
//
// # How
//
//  1. Scan the module's own Go files for the names of the package that they use (usage.go).
//  2. Ask the go command for the source of the version that go.mod requires (program.go).
//  3. Split that source into declarations, and find what each refers to (parse.go, split.go).
//  4. Follow the references from the names in use (keep.go).
//  5. Write the declarations that were reached (render.go) to .slim/<module path> (write.go).
//  6. Write a go.work that replaces the module by the copy (workspace.go). Every go command, editor and Pulumi's
//     language host then uses the copy.
//
// Git ignores both. go.mod still requires the real SDK, so a fresh clone builds without slim, but at full cost.
//
// # What is kept
//
// A kept type keeps its methods. A kept declaration keeps whatever its text refers to.
//
// Pulumi's runtime finds types by registrations in init functions, which nothing refers to. A registration is kept if
// the types that it registers are kept. The function's other statements are kept if one of its registrations is. The same
// holds for the cases of a module's Construct method. The registration of a module or a package is kept if one of the
// resources that it constructs is. An init function without registrations is always kept.
//
// The other names are declared as placeholders. Code that uses one does not compile, and the compiler's message says to
// run make slim.
//
// # Running it again
//
// A run with nothing to do takes milliseconds: .slim/slim.json records what the copy was made from, and the digests of its
// files. It is written last, so an interrupted run is repeated.
//
// # Limits
//
// slim sees what this module uses of the SDK, but not what other modules in the build use. It ignores build constraints,
// so it keeps what the module uses on any system.
//
// # Alternatives
//
// Pulumi can generate an SDK of chosen resources from the Terraform provider:
//
//	pulumi package add terraform-provider -- cloudflare/cloudflare --include cloudflare_pages_project,…
//
// (https://www.pulumi.com/docs/iac/concepts/providers/any-terraform-provider/, and for --include
// https://github.com/pulumi/pulumi-terraform-bridge/pull/3147.) That would be another provider. The plugin
// terraform-provider downloads Cloudflare's Terraform provider from OpenTofu's registry at run time and translates for it
// (https://github.com/pulumi/pulumi-terraform-bridge/tree/main/dynamic). What Pulumi knows of Cloudflare would not apply:
// aliases, computed IDs, migrations of old state
// (https://github.com/pulumi/pulumi-cloudflare/blob/master/provider/resources.go). Type tokens would follow from the
// Terraform names (dynamic/info.go). For this module's resources they are the same; any other would be a new resource to
// Pulumi. And the SDK could be generated only with the CLI and the network. slim needs just the go command and the module
// cache.
//
// A filter for SDKs is proposed in https://github.com/pulumi/pulumi/issues/22387. It would make slim unnecessary.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"

	"golang.org/x/mod/module"
)

// defaultPackage is the package to cut unless a flag names another.
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

// run runs the command on the module that contains dir and returns the exit code.
func run(ctx context.Context, dir string, args []string, stdout, stderr io.Writer) int {
	packagePath, err := parseFlags(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case err != nil:
		return exitUsage
	}
	report, err := slim(ctx, dir, packagePath)
	if err != nil {
		fmt.Fprintf(stderr, "slim: %v\n", err)
		return exitFailure
	}
	fmt.Fprintf(stdout, "slim: %s\n", report)
	return exitOK
}

// parseFlags returns the import path of the package to cut. It also prints its errors.
func parseFlags(args []string, stderr io.Writer) (string, error) {
	packagePath := defaultPackage
	flags := flag.NewFlagSet("slim", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Func("package", "import `path` of the SDK package to cut (default "+defaultPackage+")", func(path string) error {
		packagePath = path
		return module.CheckImportPath(path) // it becomes part of file names and of go.work
	})
	if err := flags.Parse(args); err != nil {
		return "", err
	}
	if flags.NArg() > 0 {
		err := fmt.Errorf("unexpected argument %q: the package is named by -package", flags.Arg(0))
		fmt.Fprintln(stderr, err)
		flags.Usage()
		return "", err
	}
	return packagePath, nil
}

// slim brings the copy and go.work up to date for the module that contains dir, and returns the line to print.
func slim(ctx context.Context, dir, packagePath string) (string, error) {
	prog, err := findProgram(ctx, dir, packagePath)
	if err != nil {
		return "", err
	}
	used, err := scanProgram(prog)
	if err != nil {
		return "", err
	}
	input, err := inputDigest(prog, used)
	if err != nil {
		return "", err
	}
	if work, ok := upToDate(prog.root, input); ok {
		written, err := writeWorkspace(prog.root, work)
		if written {
			return "wrote " + workspaceFile + "; the copy is up to date", err
		}
		return "up to date", err
	}

	cut, err := cutPackage(prog, used)
	if err != nil {
		return "", err
	}
	files, err := cut.render()
	if err != nil {
		return "", err
	}
	work, err := renderWorkspace(ctx, prog, files)
	if err != nil {
		return "", err
	}
	if err := writeCopy(prog.root, input, work, files); err != nil {
		return "", fmt.Errorf("writing %s: %w", outputDir, err)
	}
	_, err = writeWorkspace(prog.root, work)
	return prog.sdk.summary(files), err
}
