package stack

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/internals"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumix"
)

// names is what the state has of the stack's owner and names, after they were checked.
type names struct {
	// Owner is for all that must come after the check.
	Owner pulumi.StringOutput
	// OwnerName is the owner, or "" in a preview that does not know it yet.
	OwnerName string
	// Before has the names that the state had before this run, if they are known.
	Before map[string]string

	stash *pulumi.Stash
}

// newNames keeps the stack's owner and names in the state, and waits until it does. Before,
// each new name is checked: it must be free or this stack's. Hence what stands under a kept
// name and is not in the state is an orphan.
func newNames(ctx *pulumi.Context, cfg *Config, w *world) (*names, error) {
	owner, err := newOwner(ctx, cfg.Environment)
	if err != nil {
		return nil, err
	}
	var before atomic.Pointer[map[string]string]
	hooks, err := registerHook(ctx, "names are free", true, func(hook *pulumi.ResourceHookArgs) error {
		kept := stashed(hook.OldInputs)
		before.Store(&kept)
		return checkNames(ctx, cfg, w, stashed(hook.NewInputs), kept)
	})
	if err != nil {
		return nil, err
	}
	input := pulumi.Map{varOwner: owner, "accountId": pulumi.String(cfg.AccountID)}
	for key, name := range cfg.names() {
		input[key] = pulumi.String(name)
	}
	if cfg.Domain != "" {
		input["domain"], input["zoneId"] = pulumi.String(cfg.Domain), pulumi.String(cfg.ZoneID)
	}
	if cfg.Adopt {
		// The first run without it updates the stash, and so checks.
		input["adopt"] = pulumi.String("true")
	}
	n := &names{}
	if n.stash, err = pulumi.NewStash(ctx, "names", &pulumi.StashArgs{Input: input},
		pulumi.ResourceHooks(&pulumi.ResourceHookBinding{BeforeCreate: hooks, BeforeUpdate: hooks})); err != nil {
		return nil, err
	}
	checked := pulumix.Apply2(owner, n.stash.URN(), func(owner string, _ pulumi.URN) string { return owner })
	n.Owner = pulumix.Cast[pulumi.StringOutput](checked)
	if n.OwnerName, _, err = await(ctx.Context(), n.Owner); err != nil {
		return nil, err
	}
	if kept := before.Load(); kept != nil {
		n.Before = *kept
	} else {
		n.Before, err = n.recorded(ctx.Context())
	}
	if err != nil {
		return nil, err
	}
	return n, checkStackName(n.OwnerName, ctx.Project(), ctx.Stack())
}

// recorded returns the names that the state has now, or nil in a preview that creates them.
// They are not this run's if the run leaves the stash out.
func (n *names) recorded(ctx context.Context) (map[string]string, error) {
	// A stash keeps its first output for ever; its input is what an update changes.
	// https://github.com/pulumi/pulumi/blob/v3.256.0/pkg/resource/deploy/builtins.go
	result, err := internals.UnsafeAwaitOutput(ctx, n.stash.Input)
	if err != nil || !result.Known {
		return nil, err
	}
	kept := map[string]string{}
	all, _ := result.Value.(map[string]any)
	for key, value := range all {
		kept[key], _ = value.(string)
	}
	return kept, nil
}

// requireKept returns an error unless the state has the name: only then was it checked.
// A run with --target or --exclude may leave the stash out, and with it the check.
func (n *names) requireKept(ctx context.Context, dryRun bool, key, name string) error {
	kept, err := n.recorded(ctx)
	if err != nil || kept[key] == name || kept == nil && dryRun {
		return err
	}
	return fmt.Errorf("config key %s: this run leaves out the stash in which the state keeps the stack's names, so nothing checked whose %q is, "+
		"and nothing was changed: run `pulumi up` without --target and --exclude", key, name)
}

// stashed returns the texts among a Stash's inputs.
func stashed(inputs resource.PropertyMap) map[string]string {
	names := map[string]string{}
	all, _ := unwrap(inputs["input"]).V.(resource.PropertyMap)
	for key, v := range all {
		if s, ok := unwrap(v).V.(string); ok {
			names[string(key)] = s
		}
	}
	return names
}
