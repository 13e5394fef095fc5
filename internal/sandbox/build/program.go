package build

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"portfolio-infra/internal/stamp"
)

// Pulumi looks for the program under the name that Pulumi.yaml gives, and for the provider
// beside its PulumiPlugin.yaml.
var programLinks = map[string]string{
	"bin/portfolio-infra":           "bin/portfolio",
	"bin/pulumi-resource-tidbcloud": stamp.Plugin + "/pulumi-resource-tidbcloud",
}

func programPart(root string) part {
	in := func(name string) string { return filepath.Join(root, name) }
	return part{
		name:     "the program with its provider and the sandbox",
		missing:  !exist(in("bin/portfolio"), in("bin/sandbox"), in("bin/plancheck"), in("bin/environment"), in(stamp.Plugin+"/pulumi-resource-tidbcloud")),
		packages: 930, linking: 10,
		target: func(ctx context.Context, _ string, offline bool, stderr io.Writer) (target, error) {
			// What is left of a go.work, slim mends.
			slim := target{dir: root, env: []string{"GOWORK=off"}}.command(ctx, stderr, "run", "-trimpath", "./internal/slim")
			if !offline {
				if said, err := slim.Output(); err != nil {
					return target{}, err
				} else if text := string(said); text != "slim: up to date\n" {
					_, _ = io.WriteString(stderr, text)
				}
			}
			sum, err := stamp.Sum(root)
			return target{
				dir: root,
				env: []string{"GOWORK=auto"},
				// The flags are those of Pulumi's Go language host: with others it would compile
				// everything again. The stamp is a flag of the provider's linker alone, so
				// nothing else is linked again.
				build: []string{"-ldflags", "-w -s", "-ldflags", "./" + stamp.Plugin + "=-w -s -X portfolio-infra/internal/provider.stamp=" + sum, "-o", "bin/"},
				// One go build is faster than four.
				packages: []string{".", "./internal/sandbox", "./internal/plancheck", "./internal/environment", "./" + stamp.Plugin},
			}, err
		},
		finish: func() error {
			for from, to := range programLinks {
				if err := link(in(from), in(to)); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// link makes one file of two names. The second may be there already.
func link(from, to string) error {
	if err := os.Remove(to); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.Link(from, to)
}

// exist tells whether files are all there.
func exist(names ...string) bool {
	for _, name := range names {
		if _, err := os.Stat(name); err != nil {
			return false
		}
	}
	return true
}
