package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optdestroy"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optpreview"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optrefresh"
)

// Operate runs up, preview, refresh or destroy. After a run that was killed while it changed
// something, up and destroy refresh first. Otherwise Pulumi's Cloudflare provider fails to
// delete what is already gone, and each run warns of what was being created.
//
// The refresh has plugins of its own. The engine sends Cancel when it closes its plugins, and
// a provider cancels every call after that.
// https://github.com/pulumi/pulumi/blob/sdk/v3.256.0/sdk/go/common/resource/plugin/provider_plugin.go
// https://github.com/pulumi/pulumi-go-provider/blob/v1.5.0/middleware/cancel/cancel.go
func (e *Engine) Operate(ctx context.Context, verb string) error {
	killed := false
	err := e.With(ctx, func(st auto.Stack) error {
		state, err := e.State()
		if err != nil {
			return err
		}
		if killed = len(state.PendingOperations) > 0 && (verb == "up" || verb == "destroy"); killed {
			fmt.Fprintln(e.Stdout, "the last run was killed: refreshing first, as `pulumi refresh --clear-pending-creates` does")
			return e.run(ctx, st, "refresh")
		}
		return e.run(ctx, st, verb)
	})
	if err != nil || !killed {
		return err
	}
	return e.With(ctx, func(st auto.Stack) error { return e.run(ctx, st, verb) })
}

func (e *Engine) run(ctx context.Context, st auto.Stack, verb string) error {
	var err error
	switch verb {
	case "up":
		err = e.up(ctx, st)
	case "preview":
		_, err = st.Preview(ctx, optpreview.Diff(), optpreview.ProgressStreams(e.Stdout), optpreview.ErrorProgressStreams(e.Stderr))
	case "refresh":
		// This ends the engine's warning of what a killed run was about to create; no other
		// option does. The program finds it and adopts it.
		// https://www.pulumi.com/docs/iac/cli/commands/pulumi_refresh/
		_, err = st.Refresh(ctx, optrefresh.ClearPendingCreates(), optrefresh.ProgressStreams(e.Stdout), optrefresh.ErrorProgressStreams(e.Stderr))
	case "destroy":
		_, err = st.Destroy(ctx, optdestroy.ProgressStreams(e.Stdout), optdestroy.ErrorProgressStreams(e.Stderr))
	default:
		return fmt.Errorf("unknown operation %q", verb)
	}
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("%s was interrupted: run it again to resume", verb)
	}
	if err != nil {
		// The engine has printed why.
		return fmt.Errorf("%s failed: see above", verb)
	}
	return nil
}

// Command runs a command of the CLI on the stack, and returns what it prints.
func (e *Engine) Command(ctx context.Context, args ...string) (string, error) {
	env := e.Environment()
	st, err := e.open(ctx, env)
	if err != nil {
		return "", err
	}
	stdout, stderr, _, err := e.CLI.Run(ctx, st.Workspace().WorkDir(), nil, nil, nil, assignments(env), append(args, "--stack", e.stack())...)
	if err != nil {
		err = fmt.Errorf("pulumi %s: %w\n%s", strings.Join(args, " "), err, stderr)
	}
	return stdout, err
}

// Remove forgets the stack, which has no resources any more, and its settings.
func (e *Engine) Remove(ctx context.Context) error {
	_, err := e.Command(ctx, "stack", "rm", "--yes")
	return err
}

// Cancel unlocks the state after a run was killed.
func (e *Engine) Cancel(ctx context.Context) error {
	_, err := e.Command(ctx, "cancel", "--yes")
	return err
}

// Outputs returns the stack's outputs. Without showSecrets, a secret output is "[secret]".
func (e *Engine) Outputs(ctx context.Context, showSecrets bool) (map[string]any, error) {
	text, err := e.Command(ctx, "stack", "output", "--json", fmt.Sprintf("--show-secrets=%t", showSecrets))
	if err != nil {
		return nil, err
	}
	outputs := map[string]any{}
	if err := json.Unmarshal([]byte(text), &outputs); err != nil {
		return nil, fmt.Errorf("reading the outputs: %w", err)
	}
	return outputs, nil
}
