package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optdestroy"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optpreview"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optrefresh"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optup"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"

	"portfolio-infra/internal/stack"
)

// operate runs one operation of the engine against the emulated clouds.
func (s *sandbox) operate(ctx context.Context, verb string) error {
	if s.served {
		path, err := s.shimPath()
		if err != nil {
			return err
		}
		return s.operateOn(ctx, verb, map[string]string{"PATH": path})
	}
	return s.withClouds(ctx, func(c *clouds) error {
		err := s.operateOn(ctx, verb, c.env)
		fmt.Fprintf(s.stdout, "%s; each one is in %s\n", summary(c.log.Calls()), s.shown("calls.jsonl"))
		return err
	})
}

// operateOn runs an operation with an environment that says where the clouds are. After
// a run that was killed it refreshes first, with plugins of its own: the engine sends
// Cancel when it closes its plugins, and a provider cancels whatever it is asked after
// that.
// https://github.com/pulumi/pulumi/blob/sdk/v3.256.0/sdk/go/common/resource/plugin/provider_plugin.go
// https://github.com/pulumi/pulumi-go-provider/blob/v1.5.0/middleware/cancel/cancel.go
func (s *sandbox) operateOn(ctx context.Context, verb string, env map[string]string) error {
	killed := false
	err := s.withPlugins(ctx, env, func(st auto.Stack) (err error) {
		if verb == "up" || verb == "destroy" {
			if killed, err = wasKilled(ctx, st); err != nil {
				return err
			}
		}
		if killed {
			fmt.Fprintln(s.stdout, "the last run was killed in the middle: looking at what there is first, as `pulumi refresh --clear-pending-creates` does")
			return s.run(ctx, st, "refresh")
		}
		return s.run(ctx, st, verb)
	})
	if err != nil || !killed {
		return err
	}
	return s.withPlugins(ctx, env, func(st auto.Stack) error { return s.run(ctx, st, verb) })
}

// withPlugins opens the stack for one run of the engine.
func (s *sandbox) withPlugins(ctx context.Context, env map[string]string, do func(auto.Stack) error) error {
	detach, err := s.attachPlugins(ctx, env)
	if err != nil {
		return err
	}
	defer detach()
	st, err := s.open(ctx, env)
	if err != nil {
		return err
	}
	return do(st)
}

// open sets the environment of this process up for the engine, its plugins and
// the inline program, and opens the stack.
func (s *sandbox) open(ctx context.Context, env map[string]string) (auto.Stack, error) {
	if err := s.makeFolders(); err != nil {
		return auto.Stack{}, err
	}
	cli, err := ensureCLI(ctx, s.root, s.stderr)
	if err != nil {
		return auto.Stack{}, err
	}
	project, err := s.writeProject()
	if err != nil {
		return auto.Stack{}, err
	}
	for _, all := range []map[string]string{env, s.engineEnv()} {
		for name, value := range all {
			if err := os.Setenv(name, value); err != nil {
				return auto.Stack{}, err
			}
		}
	}
	st, err := auto.UpsertStackInlineSource(ctx, stackName, projectName, stack.Run,
		auto.Pulumi(cli), auto.WorkDir(project), auto.SecretsProvider("passphrase"))
	if err != nil {
		return auto.Stack{}, fmt.Errorf("opening the stack: %w", err)
	}
	return st, nil
}

// engineEnv keeps everything that the engine writes within the sandbox.
func (s *sandbox) engineEnv() map[string]string {
	env := map[string]string{
		// Beside each file the backend would write another one with its metadata, and not
		// at once: a run that is killed in between leaves a state that cannot be read.
		"PULUMI_BACKEND_URL":       "file://" + s.path("state") + "?metadata=skip",
		"PULUMI_HOME":              s.path("home"),
		"PULUMI_SKIP_UPDATE_CHECK": "true",
		"TMPDIR":                   s.path("tmp"),
		// What is not installed is not looked for on the network.
		"PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
	}
	if _, file := os.LookupEnv("PULUMI_CONFIG_PASSPHRASE_FILE"); !file {
		env["PULUMI_CONFIG_PASSPHRASE"] = passphrase()
	}
	return env
}

// passphrase encrypts what a run keeps. The default protects nothing: it is of use
// only to the emulated clouds.
func passphrase() string {
	if p, set := os.LookupEnv("PULUMI_CONFIG_PASSPHRASE"); set {
		return p
	}
	return "sandbox"
}

// errShown is the failure of an operation that has been printed already.
type errShown struct{ verb string }

func (e errShown) Error() string { return e.verb + " failed: see above" }

func (s *sandbox) run(ctx context.Context, st auto.Stack, verb string) error {
	var err error
	switch verb {
	case "up":
		_, err = st.Up(ctx, optup.ProgressStreams(s.stdout), optup.ErrorProgressStreams(s.stderr))
	case "preview":
		_, err = st.Preview(ctx, optpreview.Diff(), optpreview.ProgressStreams(s.stdout), optpreview.ErrorProgressStreams(s.stderr))
	case "refresh":
		// What a killed run was about to create is no longer pending: the program finds it
		// and takes it over. Nothing else than this option ends the engine's warning of it.
		// https://www.pulumi.com/docs/iac/cli/commands/pulumi_refresh/
		_, err = st.Refresh(ctx, optrefresh.ClearPendingCreates(), optrefresh.ProgressStreams(s.stdout), optrefresh.ErrorProgressStreams(s.stderr))
	case "destroy":
		_, err = st.Destroy(ctx, optdestroy.ProgressStreams(s.stdout), optdestroy.ErrorProgressStreams(s.stderr))
	}
	if err == nil {
		return nil
	}
	if cause := context.Cause(ctx); cause != nil {
		return fmt.Errorf("%s was interrupted: run it again, it goes on where it stopped", verb)
	}
	return errShown{verb}
}

// wasKilled tells whether a run was killed while it changed something. Then the state
// must be read anew: Pulumi's Cloudflare provider fails to delete what is gone already,
// and what was being created would be warned of in each run.
func wasKilled(ctx context.Context, st auto.Stack) (bool, error) {
	state, err := st.Export(ctx)
	if err != nil {
		return false, fmt.Errorf("reading the state: %w", err)
	}
	var deployment apitype.DeploymentV3
	if err := json.Unmarshal(state.Deployment, &deployment); err != nil {
		return false, fmt.Errorf("reading the state: %w", err)
	}
	return len(deployment.PendingOperations) > 0, nil
}

// withStack opens the stack for what needs neither clouds nor plugins.
func (s *sandbox) withStack(ctx context.Context, do func(auto.Stack) error) error {
	st, err := s.open(ctx, nil)
	if err != nil {
		return err
	}
	return do(st)
}

// cancel unlocks the state, as `pulumi cancel` does.
func (s *sandbox) cancel(ctx context.Context) error {
	return s.withStack(ctx, func(st auto.Stack) error {
		if err := st.Cancel(ctx); err != nil {
			return fmt.Errorf("unlocking the state: %w", err)
		}
		return nil
	})
}

// output prints all outputs, or one.
func (s *sandbox) output(ctx context.Context, name string, secrets bool) error {
	return s.withStack(ctx, func(st auto.Stack) error {
		all, err := st.Outputs(ctx)
		if err != nil {
			return fmt.Errorf("reading the outputs: %w", err)
		}
		shown := map[string]any{}
		for key, o := range all {
			shown[key] = o.Value
			if o.Secret && !secrets {
				shown[key] = "[secret]"
			}
		}
		if name == "" {
			return s.printJSON(shown)
		}
		value, ok := shown[name]
		if !ok {
			return fmt.Errorf("no output %q: there are %v", name, slices.Sorted(maps.Keys(shown)))
		}
		if text, ok := value.(string); ok {
			_, err = fmt.Fprintln(s.stdout, text)
			return err
		}
		return s.printJSON(value)
	})
}

func (s *sandbox) printJSON(v any) error {
	e := json.NewEncoder(s.stdout)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
