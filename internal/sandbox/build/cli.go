package build

import (
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/mod/semver"
)

// CLIVersion is the oldest Pulumi CLI that is accepted, and the one that is built.
// internal/tools pins it. Resource hooks and the stash need a recent one.
const CLIVersion = "3.256.0"

const (
	cliPackage = cliModule + "/cmd/pulumi"
	// Without its version the Automation API refuses the CLI.
	cliVersionVar = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version"
)

// CLI builds the pinned CLI into bin/.
func CLI(ctx context.Context, root string, out io.Writer) error {
	return run(ctx, out, cores(), cliPart(root))
}

func cliPart(root string) part {
	tools := filepath.Join(root, "internal", "tools")
	return part{
		name:     "the Pulumi CLI v" + CLIVersion,
		missing:  true,
		packages: 200, linking: 10,
		instead: "a pulumi " + CLIVersion + " or newer on the PATH",
		target: func(ctx context.Context, scratch string, offline bool, stderr io.Writer) (target, error) {
			dir, err := os.MkdirTemp(scratch, "cli-")
			if err != nil {
				return target{}, err
			}
			t := target{dir: tools, env: []string{"GOWORK=off"}, packages: []string{cliPackage}}
			if offline {
				t = t.offline()
			}
			modfile, err := cutCLI(ctx, t, dir, stderr)
			t.flags = []string{"-modfile", modfile}
			t.build = []string{"-ldflags", "-w -s -X " + cliVersionVar + "=v" + CLIVersion, "-o", filepath.Join(root, "bin", "pulumi")}
			return t, err
		},
		finish: func() error { return nil },
	}
}

// hasCLI tells whether there is a CLI, whatever its version.
func hasCLI(_ context.Context, root string) bool {
	_, err := exec.LookPath("pulumi")
	return err == nil || exist(filepath.Join(root, "bin", "pulumi"))
}

// hasRecentCLI tells whether there is a CLI that needs no build. One that is too old or broken
// does, whatever the reason.
func hasRecentCLI(ctx context.Context, root string) bool {
	for _, program := range []string{"pulumi", filepath.Join(root, "bin", "pulumi")} {
		out, err := exec.CommandContext(ctx, program, "version").Output()
		version := strings.TrimSpace(string(out))
		if err == nil && semver.IsValid(version) && semver.Compare(version, "v"+CLIVersion) >= 0 {
			return true
		}
	}
	return false
}
