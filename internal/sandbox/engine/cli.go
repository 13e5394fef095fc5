package engine

import (
	"context"
	"io"

	"github.com/blang/semver"
	"github.com/pulumi/pulumi/sdk/v3/go/auto"

	"portfolio-infra/internal/sandbox/build"
)

// FindCLI returns the Pulumi CLI on the PATH if it is recent enough, or else the one in bin/.
// It builds the latter if there is none.
func FindCLI(ctx context.Context, root string, progress io.Writer) (auto.PulumiCommand, error) {
	oldest := semver.MustParse(build.CLIVersion)
	for _, dir := range []string{"", root} {
		// A CLI that is missing, too old or broken is not used, whatever the reason.
		cli, err := auto.NewPulumiCommand(&auto.PulumiCommandOptions{Version: oldest, Root: dir})
		if err == nil && cli.Version().GTE(oldest) {
			return cli, nil
		}
	}
	if err := build.CLI(ctx, root, progress); err != nil {
		return nil, err
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
