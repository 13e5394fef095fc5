package stack

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/pulumi/pulumi-cloudflare/sdk/v6/go/cloudflare"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// API is the Worker behind the site.
type API struct {
	pulumi.ResourceState

	Worker *cloudflare.WorkersScript
}

// newAPI declares the Worker. WorkersScript is the calm resource of its kind: the
// set of Worker, WorkerVersion and WorkersDeployment plans changes without end.
// https://github.com/cloudflare/terraform-provider-cloudflare/issues/7281
func newAPI(ctx *pulumi.Context, cfg Config, l live, owner pulumi.StringOutput, db *Database) (*API, error) {
	a := &API{}
	if err := ctx.RegisterComponentResource("portfolio:index:Api", "api", a); err != nil {
		return nil, err
	}
	hooks, err := workerHooks(ctx, cfg, l)
	if err != nil {
		return nil, err
	}
	if err := sayDrift(ctx, cfg, l); err != nil {
		return nil, err
	}
	a.Worker, err = cloudflare.NewWorkersScript(ctx, cfg.Worker, &cloudflare.WorkersScriptArgs{
		AccountId:          pulumi.String(cfg.AccountID),
		ScriptName:         pulumi.String(cfg.Worker),
		ContentFile:        pulumi.String(cfg.Script.Path),
		ContentSha256:      pulumi.String(cfg.Script.SHA256),
		MainModule:         pulumi.String(cfg.Script.MainModule()),
		CompatibilityDate:  pulumi.String(cfg.CompatibilityDate),
		CompatibilityFlags: pulumi.ToStringArray(cfg.CompatibilityFlags),
		Observability:      &cloudflare.WorkersScriptObservabilityArgs{Enabled: pulumi.Bool(cfg.Observability)},
		Bindings:           workerBindings(cfg, l, owner, db),
		KeepBindings:       pulumi.ToStringArray(keptBindings),
	}, append(part(a, false), pulumi.DependsOn([]pulumi.Resource{db.Cluster}), pulumi.ResourceHooks(hooks))...)
	if err != nil {
		return nil, err
	}
	if cfg.WorkersDev {
		if _, err := cloudflare.NewWorkersScriptSubdomain(ctx, "workers-dev", &cloudflare.WorkersScriptSubdomainArgs{
			AccountId:       pulumi.String(cfg.AccountID),
			ScriptName:      a.Worker.ScriptName,
			Enabled:         pulumi.Bool(true),
			PreviewsEnabled: pulumi.Bool(false),
		}, append(part(a, false), pulumi.DeletedWith(a.Worker))...); err != nil {
			return nil, err
		}
	}
	return a, ctx.RegisterResourceOutputs(a, pulumi.Map{"worker": a.Worker.ScriptName})
}

// workerHooks look at the Worker before it is written, and after it.
func workerHooks(ctx *pulumi.Context, cfg Config, l live) (*pulumi.ResourceHookBinding, error) {
	var failed error
	hook := func(name string, f pulumi.ResourceHookFunction, onDryRun bool) []*pulumi.ResourceHook {
		h, err := ctx.RegisterResourceHook(name, f, &pulumi.ResourceHookOptions{OnDryRun: onDryRun})
		failed = errors.Join(failed, err)
		return []*pulumi.ResourceHook{h}
	}
	return &pulumi.ResourceHookBinding{
		BeforeCreate: hook("worker is ours", workerGuard(ctx, cfg), true),
		BeforeUpdate: hook("script is ours", beforeUpload(ctx, cfg, l), true),
		AfterUpdate:  hook("secrets are gone", afterUpload(ctx.Context(), cfg), false),
	}, failed
}

// sayDrift says where the Worker is served against the configuration. Only a refresh
// puts it right, since the address has a resource of its own, or none.
func sayDrift(ctx *pulumi.Context, cfg Config, l live) error {
	switch {
	case l.worker == nil:
		return nil
	case !cfg.WorkersDev && (l.dev.Enabled || l.dev.Previews):
		return ctx.Log.Warn(fmt.Sprintf("the Worker %q can be reached by anybody under its workers.dev address, beside the site: "+
			"switch it off in the dashboard (Settings, Domains & Routes), or set the config key workersDev to true if you want it", cfg.Worker), nil)
	case cfg.WorkersDev && !l.dev.Enabled:
		return ctx.Log.Warn(fmt.Sprintf("the Worker %q may not be on its workers.dev address, which the config key workersDev asks for: "+
			"if this run does not make it, run `pulumi up --refresh`", cfg.Worker), nil)
	}
	return nil
}

// workerBindings returns the Worker's variables, in an order that does not change.
func workerBindings(cfg Config, l live, owner pulumi.StringOutput, db *Database) cloudflare.WorkersScriptBindingArray {
	note := owner.ApplyT(func(owner string) string { return l.uploadNote(cfg, owner, time.Now()) }).(pulumi.StringOutput)
	plain := pulumi.StringMap{varOwner: owner, varUpload: note}
	for name, value := range cfg.Vars {
		plain[name] = pulumi.String(value)
	}
	secret := pulumi.StringMap{varDatabaseURL: db.URL}
	for name, value := range cfg.Secrets {
		secret[name] = pulumi.ToSecret(pulumi.String(value)).(pulumi.StringOutput)
	}
	var all cloudflare.WorkersScriptBindingArray
	add := func(kind, name string, text pulumi.StringInput) {
		all = append(all, cloudflare.WorkersScriptBindingArgs{
			Type: pulumi.String(kind),
			Name: pulumi.String(name),
			Text: text.ToStringOutput().ToStringPtrOutput(),
		})
	}
	for _, name := range slices.Sorted(maps.Keys(plain)) {
		add("plain_text", name, plain[name])
	}
	for _, name := range slices.Sorted(maps.Keys(secret)) {
		add("secret_text", name, secret[name])
	}
	return all
}
