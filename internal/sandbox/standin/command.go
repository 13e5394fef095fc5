package standin

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
)

const commandType = "command:local:Command"

// Command takes the place of the plugin "command", for local.Command.
// https://www.pulumi.com/registry/packages/command/api-docs/local/command/
func Command() p.Provider {
	return p.Provider{
		Check: func(_ context.Context, r p.CheckRequest) (p.CheckResponse, error) {
			return p.CheckResponse{Inputs: r.Inputs}, only(r.Urn.Type().String(), commandType)
		},
		Diff: func(_ context.Context, r p.DiffRequest) (p.DiffResponse, error) {
			return diff(r.OldInputs, r.Inputs, "triggers"), nil
		},
		Create: func(ctx context.Context, r p.CreateRequest) (p.CreateResponse, error) {
			if r.DryRun {
				return p.CreateResponse{Properties: pending(r.Properties)}, nil
			}
			out, err := run(ctx, text(r.Properties, "create"), r.Properties, property.Map{})
			return p.CreateResponse{ID: rand.Text(), Properties: out}, err
		},
		Read: func(_ context.Context, r p.ReadRequest) (p.ReadResponse, error) {
			return p.ReadResponse{ID: r.ID, Properties: r.Properties, Inputs: r.Inputs}, nil
		},
		Update: func(ctx context.Context, r p.UpdateRequest) (p.UpdateResponse, error) {
			if r.DryRun {
				return p.UpdateResponse{Properties: pending(r.Inputs)}, nil
			}
			line := text(r.Inputs, "update")
			if line == "" {
				line = text(r.Inputs, "create")
			}
			out, err := run(ctx, line, r.Inputs, r.State)
			return p.UpdateResponse{Properties: out}, err
		},
		Delete: func(ctx context.Context, r p.DeleteRequest) error {
			if text(r.Properties, "delete") == "" {
				return nil
			}
			_, err := run(ctx, text(r.Properties, "delete"), r.Properties, r.Properties)
			return err
		},
	}
}

// only refuses resource types that a stand-in does not know.
func only(have string, known ...string) error {
	for _, k := range known {
		if have == k {
			return nil
		}
	}
	return fmt.Errorf("the stand-in does not know %s: install the real plugin", have)
}

// pending is the state that a preview shows.
func pending(inputs property.Map) property.Map {
	return with(inputs, map[string]property.Value{
		"stdout": property.New(property.Computed), "stderr": property.New(property.Computed),
	})
}

// run runs a line by the shell and returns the new state: the inputs, and what
// the command said.
func run(ctx context.Context, line string, inputs, before property.Map) (property.Map, error) {
	argv := list(inputs, "interpreter")
	if len(argv) == 0 {
		argv = []string{"/bin/sh", "-c"}
	}
	cmd := exec.CommandContext(ctx, argv[0], append(argv[1:], line)...)
	cmd.Dir = text(inputs, "dir")
	cmd.Stdin = strings.NewReader(text(inputs, "stdin"))
	cmd.Env = os.Environ()
	for name, value := range texts(inputs, "environment") {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	for name, key := range map[string]string{"PULUMI_COMMAND_STDOUT": "stdout", "PULUMI_COMMAND_STDERR": "stderr"} {
		if _, known := before.GetOk(key); known {
			cmd.Env = append(cmd.Env, name+"="+text(before, key))
		}
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	// The command may have children of its own: all are ended together.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = time.Second
	if err := cmd.Run(); err != nil {
		return property.Map{}, fmt.Errorf("%w: running %q:\n%s%s", err, line, stdout.String(), stderr.String())
	}
	// As in the real plugin, what depends on a secret is one.
	secret := property.New(inputs).HasSecrets()
	return with(inputs, map[string]property.Value{
		"stdout": property.New(strings.TrimSuffix(stdout.String(), "\n")).WithSecret(secret),
		"stderr": property.New(strings.TrimSuffix(stderr.String(), "\n")).WithSecret(secret),
	}), nil
}
