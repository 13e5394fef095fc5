package stack

import (
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"portfolio-infra/internal/cloudflare"
)

// registerHook registers a resource hook. Its name is kept in the state, so it stays.
// https://www.pulumi.com/docs/iac/concepts/resources/options/hooks/
func registerHook(ctx *pulumi.Context, name string, onDryRun bool, f pulumi.ResourceHookFunction) ([]*pulumi.ResourceHook, error) {
	hook, err := ctx.RegisterResourceHook(name, f, &pulumi.ResourceHookOptions{OnDryRun: onDryRun})
	return []*pulumi.ResourceHook{hook}, err
}

// declaredScript returns the bindings among a Worker's inputs. The provider makes the
// text of each variable a secret, and a hook gets it as such.
func declaredScript(inputs resource.PropertyMap) (script cloudflare.Script) {
	text := func(v resource.PropertyValue) string { s, _ := unwrap(v).V.(string); return s }
	bindings, _ := unwrap(inputs["bindings"]).V.([]resource.PropertyValue)
	for _, b := range bindings {
		o, _ := unwrap(b).V.(resource.PropertyMap)
		script.Bindings = append(script.Bindings, cloudflare.ScriptBinding{Type: text(o["type"]), Name: text(o["name"]), Text: text(o["text"])})
	}
	return script
}

// unwrap returns the value inside of secrets and outputs.
func unwrap(v resource.PropertyValue) resource.PropertyValue {
	for {
		switch {
		case v.IsSecret():
			v = v.SecretValue().Element
		case v.IsOutput():
			v = v.OutputValue().Element
		default:
			return v
		}
	}
}
