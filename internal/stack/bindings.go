package stack

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/pulumi/pulumi-command/sdk/go/command/local"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"portfolio-infra/internal/binding"
)

// envDrift marks a run that found the bindings changed by hand. Its value is
// kept from run to run until there is drift again.
const envDrift = "PAGES_BINDING_DRIFT"

// deleteCommand runs where the binding goes and the project stays.
var deleteCommand = `test -x bin/portfolio || { echo "bin/portfolio is not there: run make build, then run it again" >&2; exit 1; }; ` +
	binding.Command("unbind")

// newBindings declares the command that patches the service bindings, and
// returns what it said last.
//
// The wanted bindings go to standard input, so a change of them is an update in
// place. Drift is put into the environment: an update again, seen in the preview.
// Once it is repaired the mark must stay as it is, or the repair would itself be
// a change to be undone; hence IgnoreChanges where there is no new drift.
func newBindings(ctx *pulumi.Context, cfg Config, l live, p *Pages, api *API) (pulumi.MapOutput, error) {
	drift := l.bindingDrift(cfg, time.Now())
	environment := pulumi.StringMap{envDrift: pulumi.String(drift)}
	if cfg.Cloudflare.TokenFromConfig {
		environment[binding.EnvToken] = pulumi.ToSecret(pulumi.String(cfg.Cloudflare.Token)).(pulumi.StringOutput)
	}
	if cfg.Cloudflare.BaseURLFromConfig {
		environment[binding.EnvBaseURL] = pulumi.String(cfg.Cloudflare.BaseURL)
	}
	opts := []pulumi.ResourceOption{
		pulumi.Parent(p),
		// The Worker must exist before a binding may name it, and not go before it.
		pulumi.DependsOn([]pulumi.Resource{api.Worker}),
		// With the project its bindings go. So a destroy needs neither the program, which
		// a fresh checkout has not built, nor the token, which may be of an earlier run.
		pulumi.DeletedWith(p.Project),
	}
	if drift == "" {
		opts = append(opts, pulumi.IgnoreChanges([]string{"environment." + envDrift}))
	}
	command, err := local.NewCommand(ctx, "binding", &local.CommandArgs{
		Create:      pulumi.String(binding.Command("bind")),
		Update:      pulumi.String(binding.Command("bind")),
		Delete:      pulumi.String(deleteCommand),
		Stdin:       request(cfg, p),
		Environment: environment,
		Logging:     local.LoggingStderr,
	}, opts...)
	if err != nil {
		return pulumi.MapOutput{}, err
	}
	// What it says is no secret, but a secret in the environment makes it one.
	stdout := pulumi.Unsecret(command.Stdout).(pulumi.StringOutput)
	return stdout.ApplyT(func(line string) (map[string]any, error) {
		var said map[string]any
		if err := json.Unmarshal([]byte(line), &said); err != nil {
			return nil, fmt.Errorf("reading what %s said: %w", binding.Command("bind"), err)
		}
		// There may have been a deployment since.
		changedAt, _ := said["changedAt"].(string)
		said["redeploy"] = l.project != nil && binding.Outdated(l.project.CanonicalDeployment, changedAt)
		return said, nil
	}).(pulumi.MapOutput), nil
}

// request is what the command is to do, known when the project is.
func request(cfg Config, p *Pages) pulumi.StringOutput {
	return pulumi.All(p.Project.Name, p.Project.CreatedOn).ApplyT(func(v []any) (string, error) {
		b, err := json.Marshal(binding.Request{
			AccountID:        cfg.AccountID,
			Project:          v[0].(string),
			ProductionBranch: cfg.ProductionBranch,
			CreatedOn:        v[1].(string),
			Wanted:           cfg.Wanted,
		})
		return string(b), err
	}).(pulumi.StringOutput)
}

// bindingDrift says what the project does not hold as wanted, or "". It is what makes
// `pulumi preview` show a binding that was changed by hand, or a project that was
// deleted.
func (l live) bindingDrift(cfg Config, now time.Time) string {
	found := "no project"
	if l.project != nil {
		names := binding.Drift(*l.project, cfg.Wanted)
		if len(names) == 0 {
			return ""
		}
		found = "not as wanted: " + strings.Join(names, ", ")
	}
	// The time makes the same drift, met a second time, a change again.
	return fmt.Sprintf("%s (%s)", found, now.UTC().Format(time.RFC3339))
}
