package engine

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/url"
	"os"
	"path/filepath"

	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"portfolio-infra/internal/sandbox/standin"
	"portfolio-infra/internal/stack"
)

// The name of the project in Pulumi.yaml, and that of the stack that a command works on unless it
// names another.
const (
	Project = "portfolio"
	Stack   = "dev"
)

// Engine is a stack on a file backend.
type Engine struct {
	// Root is the project's folder. Dir is where the engine keeps everything.
	Root, Dir string
	// Env is set on top of the process's environment.
	Env map[string]string
	// Config holds values on top of those of the stack's file. A key without a namespace
	// belongs to the project.
	Config map[string]any
	// Stack is the stack's name. If empty, it is the constant's.
	Stack string
	// CLI is the Pulumi CLI. If it is nil, [FindCLI] finds it.
	CLI auto.PulumiCommand
	// Program is what is deployed. If it is nil, it is the stack's own.
	Program pulumi.RunFunc
	// Done gets what an up did, if it is set.
	Done           *Done
	Stdout, Stderr io.Writer
}

// With opens the stack, with its plugins, for one operation.
func (e *Engine) With(ctx context.Context, do func(auto.Stack) error) error {
	env := e.Environment()
	detach, err := e.attachPlugins(ctx, env)
	if err != nil {
		return err
	}
	defer detach()
	st, err := e.open(ctx, env)
	if err != nil {
		return err
	}
	return do(st)
}

// open opens the stack. It creates the stack if there is none.
func (e *Engine) open(ctx context.Context, env map[string]string) (auto.Stack, error) {
	for _, folder := range []string{"state", "tmp", "project"} {
		if err := os.MkdirAll(e.path(folder), 0o700); err != nil {
			return auto.Stack{}, err
		}
	}
	if err := e.writeProject(); err != nil {
		return auto.Stack{}, err
	}
	var err error
	if e.CLI == nil {
		if e.CLI, err = FindCLI(ctx, e.Root, e.Stderr); err != nil {
			return auto.Stack{}, err
		}
	}
	program := e.Program
	if program == nil {
		program = func(ctx *pulumi.Context) error {
			return stack.Program{Getenv: e.getenv(ctx, env), Dir: e.Root}.Run(ctx)
		}
	}
	ws, err := auto.NewLocalWorkspace(ctx, auto.Pulumi(fewerStarts{e.CLI}), auto.WorkDir(e.path("project")),
		auto.Program(program), auto.EnvVars(env), auto.SecretsProvider("passphrase"))
	if err != nil {
		return auto.Stack{}, err
	}
	open := auto.SelectStack
	if _, err := os.Stat(e.checkpoint()); err != nil {
		open = auto.NewStack
	}
	st, err := open(ctx, e.stack(), ws)
	if err != nil {
		return auto.Stack{}, fmt.Errorf("opening the stack: %w", err)
	}
	return st, nil
}

// Environment returns what the engine sets on top of the process's environment, so that
// everything it writes stays within Dir.
func (e *Engine) Environment() map[string]string {
	env := map[string]string{
		"PULUMI_BACKEND_URL": backendURL(e.path("state")),
		// [Engine.State] reads the file.
		"PULUMI_DIY_BACKEND_GZIP":  "false",
		"PULUMI_HOME":              e.path("home"),
		"PULUMI_SKIP_UPDATE_CHECK": "true",
		"TMPDIR":                   e.path("tmp"),
		// A plugin that is not installed is not looked for on the network.
		"PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
	}
	if !e.usersPassphrase() {
		env[passphraseVariable] = passphrase
	}
	maps.Copy(env, e.Env)
	return env
}

// backendURL returns the URL of a file backend. By default that backend writes a second file
// with metadata after each file. A run that is killed in between leaves a state that cannot be
// read.
func backendURL(folder string) string {
	u := url.URL{Scheme: "file", Path: folder, RawQuery: "metadata=skip"}
	return u.String()
}

// process returns what the stand-ins, which this process serves, use as their own process's.
func (e *Engine) process(env map[string]string) standin.Process {
	return standin.Process{Dir: e.Root, Environ: append(os.Environ(), assignments(env)...)}
}

func assignments(env map[string]string) (all []string) {
	for name, value := range env {
		all = append(all, name+"="+value)
	}
	return all
}

func (e *Engine) stack() string { return cmp.Or(e.Stack, Stack) }

func (e *Engine) path(name string) string { return filepath.Join(e.Dir, name) }

// checkpoint returns the file in which the backend keeps the stack's state.
func (e *Engine) checkpoint() string {
	return e.path(filepath.Join("state", ".pulumi", "stacks", e.project(), e.stack()+".json"))
}

// State reads the stack's state from the backend's file, with its secrets encrypted. This
// saves a start of the CLI.
// https://github.com/pulumi/pulumi/blob/v3.256.0/sdk/go/common/apitype/core.go, VersionedCheckpoint
func (e *Engine) State() (apitype.DeploymentV3, error) {
	var checkpoint struct {
		Checkpoint apitype.CheckpointV3 `json:"checkpoint"`
	}
	b, err := os.ReadFile(e.checkpoint())
	if err == nil {
		err = json.Unmarshal(b, &checkpoint)
	}
	if err != nil {
		return apitype.DeploymentV3{}, fmt.Errorf("reading the state: %w", err)
	}
	return *cmp.Or(checkpoint.Checkpoint.Latest, &apitype.DeploymentV3{}), nil
}
