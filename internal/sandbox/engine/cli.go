package engine

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/blang/semver"
	"github.com/pulumi/pulumi/sdk/v3/go/auto"

	"portfolio-infra/internal/sandbox/build"
)

// CLIVersion is the oldest Pulumi CLI that is accepted, and the one that is built.
// internal/tools pins it. Resource hooks and the stash need a recent one.
const CLIVersion = "3.256.0"

const (
	cliPackage = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
	// Without its version the Automation API refuses the CLI.
	cliVersionVar = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version"
)

// FindCLI returns the Pulumi CLI on the PATH if it is recent enough, or else the one in bin/.
// It builds the latter if there is none.
func FindCLI(ctx context.Context, root string, progress io.Writer) (auto.PulumiCommand, error) {
	oldest := semver.MustParse(CLIVersion)
	for _, dir := range []string{"", root} {
		// A CLI that is missing, too old or broken is not used, whatever the reason.
		cli, err := auto.NewPulumiCommand(&auto.PulumiCommandOptions{Version: oldest, Root: dir})
		if err == nil && cli.Version().GTE(oldest) {
			return cli, nil
		}
	}
	if err := buildCLI(ctx, root, progress); err != nil {
		return nil, fmt.Errorf("building the Pulumi CLI: %w", err)
	}
	return auto.NewPulumiCommand(&auto.PulumiCommandOptions{Version: oldest, Root: root})
}

// fewerStarts does not start the CLI for what nobody reads. Around each operation the
// Automation API selects the stack, which each command names anyway. It also asks twice for
// the outputs, and once for the history. A start costs a tenth of a second of CPU time or
// more. [Engine.Outputs] reads the outputs when they are wanted.
// https://github.com/pulumi/pulumi/blob/v3.256.0/sdk/go/auto/stack.go, Up
type fewerStarts struct{ auto.PulumiCommand }

func (c fewerStarts) Run(ctx context.Context, dir string, stdin io.Reader, stdout, stderr []io.Writer, env []string, args ...string) (string, string, int, error) {
	answers := map[string]string{"select": "", "output": "{}", "history": "[]"}
	if len(args) > 1 && args[0] == "stack" {
		if answer, unread := answers[args[1]]; unread {
			return answer, "", 0, nil
		}
	}
	return c.PulumiCommand.Run(ctx, dir, stdin, stdout, stderr, env, args...)
}

// buildCLI builds the pinned CLI into bin/.
func buildCLI(ctx context.Context, root string, progress io.Writer) error {
	tools := filepath.Join(root, "internal", "tools")
	scratch, err := os.MkdirTemp("", "pulumi-cli-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(scratch) }()
	modfile, err := cutCLI(ctx, tools, scratch, progress)
	if err != nil {
		return err
	}
	stale, err := build.Go(ctx, tools, progress, "list", "-modfile", modfile, "-trimpath", "-deps", "-f", "{{if .Stale}}x{{end}}", cliPackage).Output()
	if err != nil {
		return err
	}
	counter := build.Count(progress, stale)
	fmt.Fprintf(progress, "building the Pulumi CLI v%s into bin/, since there is none on the PATH: up to %d packages, only once\n", CLIVersion, counter.Total)
	return build.Go(ctx, tools, counter, "build", "-v", "-modfile", modfile, "-buildvcs=false", "-trimpath",
		"-ldflags", "-w -s -X "+cliVersionVar+"=v"+CLIVersion, "-o", filepath.Join(root, "bin", "pulumi"), cliPackage).Run()
}
