package stack

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/pulumi/pulumi-cloudflare/sdk/v6/go/cloudflare"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	cfapi "portfolio-infra/internal/cloudflare"
)

// Names of the Worker's variables that the stack sets itself.
const (
	varOwner       = "PULUMI_STACK"
	varUpload      = "PULUMI_UPLOAD"
	varRotation    = "PULUMI_ROTATION"
	varDatabaseURL = "DATABASE_URL"
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

// WorkerArgs are the inputs of a [Worker].
type WorkerArgs struct {
	Owner       pulumi.StringOutput
	DatabaseURL pulumi.StringOutput
	// Schema must exist before new code runs on it.
	Schema             pulumi.Resource
	Name               string
	Script             Script
	CompatibilityDate  string
	CompatibilityFlags []string
	Observability      bool
	// Rotation is the step of the login in DatabaseURL.
	Rotation int
	Vars     map[string]string
	Secrets  map[string]string
	// VarsSecret reports whether Vars has what the configuration keeps secret.
	VarsSecret bool
	// Overwrite permits overwriting a script that this stack did not upload.
	Overwrite  bool
	WorkersDev bool
	Cloudflare *cfapi.Client
	Live       *liveWorker // nil if there is none
}

// newWorker declares the Worker. The other resources, Worker, WorkerVersion and
// WorkersDeployment, plan a change in each run.
// https://github.com/cloudflare/terraform-provider-cloudflare/issues/7281
func newWorker(ctx *pulumi.Context, name string, args *WorkerArgs, opts ...pulumi.ResourceOption) (*Worker, error) {
	w := &Worker{}
	if err := ctx.RegisterComponentResource("portfolio:index:Api", name, w, opts...); err != nil {
		return nil, err
	}
	hooks, err := args.hooks(ctx)
	if err != nil {
		return nil, err
	}
	if err := args.warnOfAddress(ctx); err != nil {
		return nil, err
	}
	in := &cloudflare.WorkersScriptArgs{
		AccountId:          pulumi.String(args.Cloudflare.AccountID),
		ScriptName:         pulumi.String(args.Name),
		ContentFile:        pulumi.String(args.Script.Path),
		ContentSha256:      pulumi.String(args.Script.SHA256),
		MainModule:         pulumi.String(args.Script.MainModule()),
		CompatibilityDate:  pulumi.String(args.CompatibilityDate),
		CompatibilityFlags: pulumi.ToStringArray(args.CompatibilityFlags),
		Observability:      args.observability(nil),
		Bindings:           args.bindings(ctx),
		KeepBindings:       pulumi.ToStringArray(keptBindings),
	}
	args.takeOver(in)
	w.Script, err = cloudflare.NewWorkersScript(ctx, args.Name, in,
		append(childOptions(w, false), pulumi.ResourceHooks(hooks), pulumi.DependsOn([]pulumi.Resource{args.Schema}))...)
	if err != nil {
		return nil, err
	}
	if args.WorkersDev {
		if _, err := cloudflare.NewWorkersScriptSubdomain(ctx, addressName, &cloudflare.WorkersScriptSubdomainArgs{
			AccountId:       pulumi.String(args.Cloudflare.AccountID),
			ScriptName:      w.Script.ScriptName,
			Enabled:         pulumi.Bool(true),
			PreviewsEnabled: pulumi.Bool(false),
		}, append(childOptions(w, false), pulumi.DeletedWith(w.Script))...); err != nil {
			return nil, err
		}
	}
	return w, ctx.RegisterResourceOutputs(w, pulumi.Map{"worker": w.Script.ScriptName})
}

// plainVars returns the variables that do not depend on the owner.
func (args *WorkerArgs) plainVars() map[string]string {
	vars := map[string]string{}
	maps.Copy(vars, args.Vars)
	if args.Rotation > 0 {
		vars[varRotation] = strconv.Itoa(args.Rotation)
	}
	return vars
}

// bindings returns the Worker's variables, in an order that does not change.
func (args *WorkerArgs) bindings(ctx *pulumi.Context) cloudflare.WorkersScriptBindingArray {
	plain := pulumi.StringMap{varOwner: args.Owner, varUpload: args.newNote(ctx)}
	for name, value := range args.plainVars() {
		plain[name] = hidden(args.VarsSecret, pulumi.String(value))
	}
	secret := pulumi.StringMap{varDatabaseURL: args.DatabaseURL}
	for name, value := range args.Secrets {
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

// hooks check the Worker before it is written, and remove old secrets after it.
func (args *WorkerArgs) hooks(ctx *pulumi.Context) (*pulumi.ResourceHookBinding, error) {
	beforeCreate, err1 := registerHook(ctx, "worker is ours", true, func(hook *pulumi.ResourceHookArgs) error {
		return args.beforeCreate(ctx.Context(), declaredScript(hook.NewInputs).Var(varOwner))
	})
	beforeUpdate, err2 := registerHook(ctx, "script is ours", true, args.beforeUpdate(ctx))
	afterUpdate, err3 := registerHook(ctx, "secrets are gone", false, func(hook *pulumi.ResourceHookArgs) error {
		return args.removeSecrets(ctx.Context(), declaredScript(hook.OldInputs), declaredScript(hook.NewInputs))
	})
	return &pulumi.ResourceHookBinding{BeforeCreate: beforeCreate, BeforeUpdate: beforeUpdate, AfterUpdate: afterUpdate},
		errors.Join(err1, err2, err3)
}

// removeSecrets removes the secrets that were taken out of the config, after the upload:
// before it, a script that stays in place might still need them. Where this is killed,
// the next run repeats it, since the engine saves the state after the hook. Where the API
// refuses, the state is saved all the same, so the error says what is left to do.
// https://github.com/pulumi/pulumi/blob/v3.256.0/pkg/resource/deploy/step.go
func (args *WorkerArgs) removeSecrets(ctx context.Context, before, now cfapi.Script) error {
	for _, b := range before.Bindings {
		if b.Type != "secret_text" || hasBinding(now, b.Name) {
			continue
		}
		if err := args.Cloudflare.DeleteSecret(ctx, args.Name, b.Name); err != nil {
			return fmt.Errorf("removing %s, which is no longer in the config, from the Worker %q (or run `wrangler secret delete %s --name %s`): %w",
				b.Name, args.Name, b.Name, args.Name, err)
		}
	}
	return nil
}

// warnOfAddress warns if the Worker's workers.dev address is not as configured. The
// address has a resource of its own or none, so only a refresh repairs it.
func (args *WorkerArgs) warnOfAddress(ctx *pulumi.Context) error {
	switch {
	case args.Live == nil:
		return nil
	case !args.WorkersDev && (args.Live.dev.Enabled || args.Live.dev.Previews):
		if stateHas(ctx, addressType, addressName) {
			return nil // it goes with its resource, in this run
		}
		return ctx.Log.Warn(fmt.Sprintf("anybody can reach the Worker %q under its workers.dev address, beside the site: "+
			"switch it off in the dashboard (Settings, Domains & Routes), or set the config key workersDev to true if you want it", args.Name), nil)
	case args.WorkersDev && !args.Live.dev.Enabled:
		return ctx.Log.Warn(fmt.Sprintf("the Worker %q may not be on its workers.dev address, which the config key workersDev asks for: "+
			"if this run does not put it there, run `pulumi up --refresh`", args.Name), nil)
	}
	return nil
}
