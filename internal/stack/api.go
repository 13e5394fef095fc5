package stack

import (
	"maps"
	"slices"

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
func newAPI(ctx *pulumi.Context, cfg Config, owner pulumi.StringOutput, db *Database) (*API, error) {
	a := &API{}
	if err := ctx.RegisterComponentResource("portfolio:index:Api", "api", a); err != nil {
		return nil, err
	}
	hook, err := ctx.RegisterResourceHook("worker is ours", workerGuard(ctx, cfg), nil)
	if err != nil {
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
		Bindings:           workerBindings(cfg, owner, db),
	}, append(part(a, false), pulumi.DependsOn([]pulumi.Resource{db.Cluster}),
		pulumi.ResourceHooks(&pulumi.ResourceHookBinding{BeforeCreate: []*pulumi.ResourceHook{hook}}))...)
	if err != nil {
		return nil, err
	}
	return a, ctx.RegisterResourceOutputs(a, pulumi.Map{"worker": a.Worker.ScriptName})
}

// workerBindings returns the Worker's variables, in an order that does not change.
func workerBindings(cfg Config, owner pulumi.StringOutput, db *Database) cloudflare.WorkersScriptBindingArray {
	plain := pulumi.StringMap{varOwner: owner}
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
