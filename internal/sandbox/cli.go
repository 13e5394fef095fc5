package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/blang/semver"
	"github.com/pulumi/pulumi/sdk/v3/go/auto"
)

// cliVersion is the oldest Pulumi CLI that will do, and the one that is built:
// the version that internal/tools pins. Resource hooks and the stash need a
// recent one.
const cliVersion = "3.256.0"

const (
	cliPackage = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
	// Without its version the Automation API refuses the CLI.
	cliVersionVar = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version"
)

// ensureCLI returns the Pulumi CLI of the PATH if it is recent enough, else the
// one in bin/, which it builds if it must.
func ensureCLI(ctx context.Context, root string, progress io.Writer) (auto.PulumiCommand, error) {
	oldest := semver.MustParse(cliVersion)
	for _, dir := range []string{"", root} {
		// A CLI that is missing, too old or broken will not do, whatever the reason.
		cli, err := auto.NewPulumiCommand(&auto.PulumiCommandOptions{Version: oldest, Root: dir})
		if err == nil && cli.Version().GTE(oldest) {
			return cli, nil
		}
	}
	target := filepath.Join(root, "bin", "pulumi")
	fmt.Fprintf(progress, "building the Pulumi CLI v%s into bin/, since there is none on the PATH: about 5 minutes, only once\n", cliVersion)
	build := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-trimpath",
		"-ldflags", "-w -s -X "+cliVersionVar+"=v"+cliVersion, "-o", target, cliPackage)
	build.Dir = filepath.Join(root, "internal", "tools")
	build.Env = append(os.Environ(), "GOWORK=off")
	build.Stdout, build.Stderr = progress, progress
	if err := build.Run(); err != nil {
		return nil, fmt.Errorf("building the Pulumi CLI: %w", err)
	}
	return auto.NewPulumiCommand(&auto.PulumiCommandOptions{Version: oldest, Root: root})
}
