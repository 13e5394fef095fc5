package stack

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"portfolio-infra/internal/cloudflare"
)

// keptBindings are the types of bindings that an upload leaves on the Worker if it does
// not name them. Sources differ on what an upload without them does: it keeps secrets, or
// it replaces all bindings. So they are stated, and [removeSecrets] removes those that were
// ours.
// https://github.com/cloudflare/workers-sdk/pull/5296
// https://github.com/alchemy-run/alchemy/pull/1452
var keptBindings = []string{"secret_text", "secret_key"}

// workerHooks check the Worker before it is written, and remove old secrets after it.
func workerHooks(ctx *pulumi.Context, cfg *Config, w *world) (*pulumi.ResourceHookBinding, error) {
	beforeCreate, err1 := registerHook(ctx, "worker is ours", true, func(hook *pulumi.ResourceHookArgs) error {
		return checkNewWorker(ctx.Context(), w.api, cfg.Worker, declaredScript(hook.NewInputs).Var(varOwner))
	})
	beforeUpdate, err2 := registerHook(ctx, "script is ours", true, func(hook *pulumi.ResourceHookArgs) error {
		return checkUpload(ctx, cfg, w, hook.OldInputs, hook.NewInputs)
	})
	afterUpdate, err3 := registerHook(ctx, "secrets are gone", false, func(hook *pulumi.ResourceHookArgs) error {
		return removeSecrets(ctx.Context(), w.api, cfg.Worker, declaredScript(hook.OldInputs), declaredScript(hook.NewInputs))
	})
	return &pulumi.ResourceHookBinding{BeforeCreate: beforeCreate, BeforeUpdate: beforeUpdate, AfterUpdate: afterUpdate},
		errors.Join(err1, err2, err3)
}

// checkNewWorker runs when the state has no Worker. It refuses one of another owner, which
// the upload would overwrite silently.
func checkNewWorker(ctx context.Context, api *cloudflare.Client, name, owner string) error {
	script, err := ifExists(api.Script(ctx, name))
	switch {
	case err != nil:
		return fmt.Errorf("looking for a Worker %q before creating it: %w", name, err)
	case script != nil && !owns(owner, script):
		return workerConflict(api, name)
	}
	return nil
}

// checkUpload refuses to overwrite somebody else's script, and warns of bindings that
// the upload removes and that are not ours.
func checkUpload(ctx *pulumi.Context, cfg *Config, w *world, oldInputs, newInputs resource.PropertyMap) error {
	found := w.worker
	if !ctx.DryRun() {
		// The cluster and its users came first, which may have taken minutes.
		var err error
		if found, err = readWorker(ctx.Context(), w.api, cfg.Worker); err != nil {
			return err
		}
	}
	if found == nil {
		return nil
	}
	before, now := declaredScript(oldInputs), declaredScript(newInputs)
	if !cfg.OverwriteWorker && isForeign(found, cfg.Script.SHA256, now.Var(varOwner), textOf(oldInputs, "contentSha256")) {
		return fmt.Errorf("the Worker %q runs a script that this stack did not upload (by wrangler deploy or the dashboard); it was not changed: "+
			"set the config key workerScript to the file of that script, or, to overwrite it, run `pulumi config set overwriteWorker true` "+
			"and remove the key after the next run", cfg.Worker)
	}
	if err := sayTakenOver(ctx, cfg.Worker, found.ScriptSettings, oldInputs, newInputs); err != nil {
		return err
	}
	var others []string
	for _, b := range found.Bindings {
		if !slices.Contains(keptBindings, b.Type) && !hasBinding(before, b.Name) && !hasBinding(now, b.Name) {
			others = append(others, fmt.Sprintf("%s (%s)", b.Name, b.Type))
		}
	}
	if len(others) == 0 {
		return nil
	}
	return ctx.Log.Warn(fmt.Sprintf("the Worker %q has bindings that are not this stack's, and this update removes them: %s; "+
		"to keep a variable, put it in the config key vars", cfg.Worker, strings.Join(others, ", ")), nil)
}

// isForeign reports whether the Worker runs a script that this stack did not upload, where
// wanted is the hash of the script to upload. recorded is the state's hash; it counts for a
// Worker of ours without a note, which an early version uploaded.
func isForeign(found *foundWorker, wanted, owner, recorded string) bool {
	if found.sha256 == wanted {
		return false
	}
	note := found.Var(varUpload)
	if note == "" {
		return found.sha256 != recorded || !owns(owner, &found.Script)
	}
	return found.sha256 != uploadedHash(note)
}

// removeSecrets removes the secrets that were taken out of the config, after the upload:
// before it, a script that stays in place might still need them. If this is killed, the
// next run repeats it, since the engine saves the state after the hook. If the API refuses,
// the state is saved all the same, so the error says what is left to do.
// https://github.com/pulumi/pulumi/blob/v3.256.0/pkg/resource/deploy/step.go
func removeSecrets(ctx context.Context, api *cloudflare.Client, worker string, before, now cloudflare.Script) error {
	for _, b := range before.Bindings {
		if b.Type != "secret_text" || hasBinding(now, b.Name) {
			continue
		}
		if err := api.DeleteSecret(ctx, worker, b.Name); err != nil {
			return fmt.Errorf("removing %s, which is no longer in the config, from the Worker %q (or run `wrangler secret delete %s --name %s`): %w",
				b.Name, worker, b.Name, worker, err)
		}
	}
	return nil
}

// hasBinding reports whether a script has a binding of the name, of any type.
func hasBinding(script cloudflare.Script, name string) bool {
	return slices.ContainsFunc(script.Bindings, func(b cloudflare.ScriptBinding) bool { return b.Name == name })
}

// declaredScript returns the bindings among a Worker's inputs. The provider makes the
// text of each variable a secret, and a hook gets it as such.
func declaredScript(inputs resource.PropertyMap) (script cloudflare.Script) {
	bindings, _ := unwrap(inputs["bindings"]).V.([]resource.PropertyValue)
	for _, b := range bindings {
		o, _ := unwrap(b).V.(resource.PropertyMap)
		script.Bindings = append(script.Bindings, cloudflare.ScriptBinding{Type: textOf(o, "type"), Name: textOf(o, "name"), Text: textOf(o, "text")})
	}
	return script
}
