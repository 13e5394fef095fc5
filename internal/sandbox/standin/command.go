package standin

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
)

// Command takes the place of the plugin "command", for local.Command.
// https://www.pulumi.com/registry/packages/command/api-docs/local/command/
func Command(process Process) p.Provider {
	return p.Provider{
		Check: func(_ context.Context, r p.CheckRequest) (p.CheckResponse, error) {
			return p.CheckResponse{Inputs: r.Inputs}, only(r.Urn.Type().String(), "command:local:Command")
		},
		Diff: func(_ context.Context, r p.DiffRequest) (p.DiffResponse, error) {
			return diff(r.OldInputs, r.Inputs, "triggers"), nil
		},
		Create: func(ctx context.Context, r p.CreateRequest) (p.CreateResponse, error) {
			if r.DryRun {
				return p.CreateResponse{Properties: unknown(r.Properties, "stdout", "stderr")}, nil
			}
			out, err := process.run(ctx, text(r.Properties, "create"), r.Properties, property.Map{})
			return p.CreateResponse{ID: rand.Text(), Properties: out}, err
		},
		Read: func(_ context.Context, r p.ReadRequest) (p.ReadResponse, error) {
			return p.ReadResponse{ID: r.ID, Properties: r.Properties, Inputs: r.Inputs}, nil
		},
		Update: func(ctx context.Context, r p.UpdateRequest) (p.UpdateResponse, error) {
			if r.DryRun {
				return p.UpdateResponse{Properties: unknown(r.Inputs, "stdout", "stderr")}, nil
			}
			line := cmp.Or(text(r.Inputs, "update"), text(r.Inputs, "create"))
			out, err := process.run(ctx, line, r.Inputs, r.State)
			return p.UpdateResponse{Properties: out}, err
		},
		Delete: func(ctx context.Context, r p.DeleteRequest) error {
			if text(r.Properties, "delete") == "" {
				return nil
			}
			_, err := process.run(ctx, text(r.Properties, "delete"), r.Properties, r.Properties)
			return err
		},
	}
}

// run runs a line in the shell and returns the new state: the inputs, and what the command
// printed.
func (process Process) run(ctx context.Context, line string, inputs, before property.Map) (property.Map, error) {
	argv := texts(inputs, "interpreter")
	if len(argv) == 0 {
		argv = []string{"/bin/sh", "-c"}
	}
	cmd := exec.CommandContext(ctx, argv[0], append(argv[1:], line)...)
	cmd.Dir = process.path(text(inputs, "dir"))
	cmd.Stdin = strings.NewReader(text(inputs, "stdin"))
	cmd.Env = slices.Clone(process.Environ)
	if environment := inputs.Get("environment"); environment.IsMap() {
		for name := range environment.AsMap().All {
			cmd.Env = append(cmd.Env, name+"="+text(environment.AsMap(), name))
		}
	}
	for name, key := range map[string]string{"PULUMI_COMMAND_STDOUT": "stdout", "PULUMI_COMMAND_STDERR": "stderr"} {
		if _, known := before.GetOk(key); known {
			cmd.Env = append(cmd.Env, name+"="+text(before, key))
		}
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	// The command may have children: all are ended together.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	// The real plugin logs both unless it is told otherwise; the stack has it log stderr.
	// https://github.com/pulumi/pulumi-command/blob/v1.2.1/provider/pkg/provider/local/commandOutputs.go
	if text(inputs, "logging") == "stderr" {
		for line := range strings.Lines(stderr.String()) {
			p.GetLogger(ctx).Info(strings.TrimSpace(line))
		}
	}
	if err != nil {
		return property.Map{}, fmt.Errorf("%w: running %q:\n%s%s", err, line, stdout.String(), stderr.String())
	}
	// As in the real plugin, what depends on a secret is secret.
	secret := property.New(inputs).HasSecrets()
	return with(inputs, map[string]property.Value{
		"stdout": property.New(strings.TrimSuffix(stdout.String(), "\n")).WithSecret(secret),
		"stderr": property.New(strings.TrimSuffix(stderr.String(), "\n")).WithSecret(secret),
	}), nil
}
