// Command slim cuts a Pulumi SDK down to what this module uses of it.
//
// # Why
//
// The Go SDK of a large Pulumi provider is one package. Cloudflare's has 24,748 top-level names and takes the compiler
// 16 GB and several minutes of processor time (https://github.com/pulumi/pulumi-cloudflare/issues/1652). This module
// uses a few hundred of them. The linker prunes too late: the cost is in compiling the package.
//
// # How
//
// slim scans the module's own Go files for the names that they select of the package (usage.go), asks the go command
// for the source of the version that go.mod requires (program.go), splits that source into declarations and what each
// refers to (parse.go, split.go), follows the references from the names in use (keep.go), and writes the declarations it
// reached (render.go) to .slim/<module path> (write.go). A go.work that replaces the module by the copy puts it in force
// for every go command, every editor and Pulumi's language host (workspace.go). Git ignores both. go.mod still requires
// the real SDK, so a fresh clone builds without slim, only at full cost.
//
// # What is kept
//
// A kept type keeps its methods, and a kept declaration keeps whatever its text refers to. Pulumi's runtime finds types
// through registrations in init functions, which nothing refers to: a registration is kept if the types that it
// registers are, and the function's other statements if one of its registrations is. The same holds for the cases of a
// module's Construct method, and a module or package registration is kept if one of the resources that it constructs is.
// An init function without registrations is kept in any case.
//
// Names that were left out are declared as placeholders. Code that uses one does not compile, and the compiler's message
// says to run make slim.
//
// # Running it again
//
// A run with nothing to do takes milliseconds: .slim/slim.json records what the copy was made from and its files'
// digests. It is written last, so an interrupted run is repeated.
//
// # Limits
//
// slim sees what this module uses of the SDK, not what other modules in the build use. It ignores build constraints and
// keeps what the module uses on any system.
//
// # Alternatives
//
// Pulumi can generate an SDK of chosen resources from the Terraform provider:
//
//	pulumi package add terraform-provider -- cloudflare/cloudflare --include cloudflare_pages_project,…
//
// (https://www.pulumi.com/docs/iac/concepts/providers/any-terraform-provider/, and for --include
// https://github.com/pulumi/pulumi-terraform-bridge/pull/3147.) That is another provider: the plugin terraform-provider
// downloads Cloudflare's Terraform provider from OpenTofu's registry at run time and translates for it
// (https://github.com/pulumi/pulumi-terraform-bridge/tree/main/dynamic). Pulumi's mapping for Cloudflare does not apply:
// aliases, computed IDs, migrations of old state
// (https://github.com/pulumi/pulumi-cloudflare/blob/master/provider/resources.go). Type tokens follow from the Terraform
// names alone (dynamic/info.go), and a resource whose token differs is a new one to Pulumi; those of this module's
// resources do not. To generate the SDK takes the CLI and the network; slim takes the go command and the module cache.
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

// defaultPackage is the package to cut if no flag names another one.
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

// parseFlags returns the import path of the package to cut. It prints errors before it returns them.
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
