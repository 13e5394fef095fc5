package stack

import (
	"fmt"
	"maps"
	"slices"

	"github.com/pulumi/pulumi-cloudflare/sdk/v6/go/cloudflare"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// The resource of the Worker's workers.dev address.
const (
	addressType = "cloudflare:index/workersScriptSubdomain:WorkersScriptSubdomain"
	addressName = "workers-dev"
)

// Worker is the component portfolio:index:Api: the Worker behind the site.
type Worker struct {
	pulumi.ResourceState

	Script *cloudflare.WorkersScript
}

// newWorker declares the Worker. Its code waits for the tables that it may need. The other
// resources, Worker, WorkerVersion and WorkersDeployment, plan a change in each run.
// https://github.com/cloudflare/terraform-provider-cloudflare/issues/7281
func newWorker(ctx *pulumi.Context, cfg *Config, w *world, owner pulumi.StringOutput, database *Database) (*Worker, error) {
	worker := &Worker{}
	if err := ctx.RegisterComponentResource("portfolio:index:Api", "api", worker); err != nil {
		return nil, err
	}
	hooks, err := workerHooks(ctx, cfg, w)
	if err != nil {
		return nil, err
	}
	if err := warnOfAddress(ctx, cfg, w.worker); err != nil {
		return nil, err
	}
	inputs := &cloudflare.WorkersScriptArgs{
		AccountId:          pulumi.String(cfg.AccountID),
		ScriptName:         pulumi.String(cfg.Worker),
		ContentFile:        pulumi.String(cfg.Script.Path),
		ContentSha256:      pulumi.String(cfg.Script.SHA256),
		MainModule:         pulumi.String(cfg.Script.MainModule()),
		CompatibilityDate:  pulumi.String(cfg.CompatibilityDate),
		CompatibilityFlags: pulumi.ToStringArray(cfg.CompatibilityFlags),
		Bindings:           workerVariables(ctx, cfg, w.worker, owner, database),
		KeepBindings:       pulumi.ToStringArray(keptBindings),
	}
	takeOver(inputs, cfg.Observability, w.worker)
	worker.Script, err = cloudflare.NewWorkersScript(ctx, cfg.Worker, inputs,
		append(childOptions(worker, false), pulumi.ResourceHooks(hooks), pulumi.DependsOn([]pulumi.Resource{database.Schema}))...)
	if err != nil {
		return nil, err
	}
	if cfg.WorkersDev {
		if _, err := cloudflare.NewWorkersScriptSubdomain(ctx, addressName, &cloudflare.WorkersScriptSubdomainArgs{
			AccountId:       pulumi.String(cfg.AccountID),
			ScriptName:      worker.Script.ScriptName,
			Enabled:         pulumi.Bool(true),
			PreviewsEnabled: pulumi.Bool(false),
		}, append(childOptions(worker, false), pulumi.DeletedWith(worker.Script))...); err != nil {
			return nil, err
		}
	}
	return worker, ctx.RegisterResourceOutputs(worker, pulumi.Map{"worker": worker.Script.ScriptName})
}

// workerVariables returns the Worker's variables, in an order that does not change.
func workerVariables(ctx *pulumi.Context, cfg *Config, found *foundWorker, owner pulumi.StringOutput, database *Database) cloudflare.WorkersScriptBindingArray {
	plain := pulumi.StringMap{varOwner: owner, varUpload: newNote(ctx, cfg, found, owner, database.Step)}
	for name, value := range plainVars(cfg, database.Step) {
		plain[name] = hidden(cfg.VarsSecret, pulumi.String(value))
	}
	secret := pulumi.StringMap{varDatabaseURL: database.URL}
	for name, value := range cfg.Secrets {
		secret[name] = pulumi.ToSecret(pulumi.String(value)).(pulumi.StringOutput)
	}
	var all cloudflare.WorkersScriptBindingArray
	add := func(kind string, variables pulumi.StringMap) {
		for _, name := range slices.Sorted(maps.Keys(variables)) {
			all = append(all, cloudflare.WorkersScriptBindingArgs{
				Type: pulumi.String(kind),
				Name: pulumi.String(name),
				Text: variables[name].ToStringOutput().ToStringPtrOutput(),
			})
		}
	}
	add("plain_text", plain)
	add("secret_text", secret)
	return all
}

// warnOfAddress warns if the Worker's workers.dev address is not as configured. The
// address has a resource of its own or none, so only a refresh repairs it.
func warnOfAddress(ctx *pulumi.Context, cfg *Config, found *foundWorker) error {
	switch {
	case found == nil:
		return nil
	case !cfg.WorkersDev && (found.dev.Enabled || found.dev.Previews):
		if stateHas(ctx, addressType, addressName) {
			return nil // it goes with its resource, in this run
		}
		return ctx.Log.Warn(fmt.Sprintf("anybody can reach the Worker %q under its workers.dev address, beside the site: "+
			"switch it off in the dashboard (Settings, Domains & Routes), or set the config key workersDev to true if you want it", cfg.Worker), nil)
	case cfg.WorkersDev && !found.dev.Enabled:
		return ctx.Log.Warn(fmt.Sprintf("the Worker %q may not be on its workers.dev address, which the config key workersDev asks for: "+
			"if this run does not put it there, run `pulumi up --refresh`", cfg.Worker), nil)
	}
	return nil
}
