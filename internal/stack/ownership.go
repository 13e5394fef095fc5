package stack

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumix"

	"portfolio-infra/internal/cloudflare"
)

// newOwner declares the owner: a name that only this state has, made of the project's
// and the stack's name and a random part. The engine saves it in the first run before
// it hands it on, so whatever bears it was made by this stack.
// https://www.pulumi.com/docs/iac/concepts/resources/stash/
func newOwner(ctx *pulumi.Context) (pulumi.StringOutput, error) {
	stash, err := pulumi.NewStash(ctx, "owner", &pulumi.StashArgs{
		Input: pulumi.String(ownerName(ctx.Project(), ctx.Stack(), rand.Text())),
	}, pulumi.IgnoreChanges([]string{"input"}))
	if err != nil {
		return pulumi.StringOutput{}, err
	}
	return stashedText(stash), nil
}

// stashedText returns the text that a stash has.
func stashedText(stash *pulumi.Stash) pulumi.StringOutput {
	text := pulumix.Apply(stash.Output, func(v any) string { s, _ := v.(string); return s })
	return pulumix.Cast[pulumi.StringOutput](text)
}

// maxOwnerSlug is the length of an owner without a hyphen and the random part.
const maxOwnerSlug = 63 - 1 - 12

// ownerName fits into a label's value: at most 63 letters, digits and inner hyphens.
func ownerName(project, stack, random string) string {
	random = strings.ToLower(random[:12])
	name := slug(project + "-" + stack)
	return strings.TrimLeft(strings.TrimRight(name[:min(len(name), maxOwnerSlug)], "-")+"-"+random, "-")
}

// NamesArgs are the inputs of [newNames].
type NamesArgs struct {
	Owner pulumi.StringOutput
	// Names by config key, and the keys whose names are the default, made of the
	// project's and the stack's.
	Names   map[string]string
	Default map[string]bool
	// Domain is the site's; nil if it has none.
	Domain *Domain
	// Adopt leaves the ownership check out.
	Adopt      bool
	Cloudflare *cloudflare.Client
	Live       live
}

// newNames keeps the stack's names in the state. Before it does so, it checks that each
// new name is free or this stack's. Hence what stands under a kept name and is not in
// the state is an orphan. It returns the owner for all that must come after the check.
func newNames(ctx *pulumi.Context, name string, args *NamesArgs, opts ...pulumi.ResourceOption) (pulumi.StringOutput, error) {
	hooks, err := registerHook(ctx, "names are free", true, args.check(ctx))
	if err != nil {
		return pulumi.StringOutput{}, err
	}
	input := pulumi.Map{varOwner: args.Owner, "accountId": pulumi.String(args.Cloudflare.AccountID)}
	for key, name := range args.Names {
		input[key] = pulumi.String(name)
	}
	if args.Domain != nil {
		input["domain"], input["zoneId"] = pulumi.String(args.Domain.Name), pulumi.String(args.Domain.ZoneID)
	}
	if args.Adopt {
		// The first run without it updates the stash, and so checks.
		input["adopt"] = pulumi.String("true")
	}
	opts = append(opts, pulumi.ResourceHooks(&pulumi.ResourceHookBinding{BeforeCreate: hooks, BeforeUpdate: hooks}))
	stash, err := pulumi.NewStash(ctx, name, &pulumi.StashArgs{Input: input}, opts...)
	if err != nil {
		return pulumi.StringOutput{}, err
	}
	owner := pulumix.Apply2(args.Owner, stash.URN(), func(owner string, _ pulumi.URN) string { return owner })
	return pulumix.Cast[pulumi.StringOutput](owner), nil
}

// check refuses default names that changed with the name of the stack or the project,
// and Cloudflare's names that are in use. The provider checks the cluster and its SQL
// users itself, in a preview too.
func (args *NamesArgs) check(ctx *pulumi.Context) pulumi.ResourceHookFunction {
	return func(hook *pulumi.ResourceHookArgs) error {
		names, kept := stashed(hook.NewInputs), stashed(hook.OldInputs)
		owner, before := names[varOwner], kept
		if len(kept) == 0 {
			before = defaultNames(owner, ctx.Project(), ctx.Stack())
		}
		if err := args.renamed(before); err != nil || args.Adopt {
			return err
		}
		changed := func(key string) bool {
			return names[key] != kept[key] || names["accountId"] != kept["accountId"] || kept["adopt"] != ""
		}
		var problems []error
		if changed("worker") {
			problems = append(problems, args.checkWorker(ctx.Context(), owner))
		}
		if changed("pagesProject") {
			problems = append(problems, args.checkProject(ctx.Context(), owner))
		}
		if d := args.Domain; d != nil && changed("domain") {
			problems = append(problems, d.checkFree(ctx.Context(), args.Cloudflare, args.Names["pagesProject"]))
		}
		if d := args.Domain; d != nil && (changed("domain") || changed("zoneId")) {
			problems = append(problems, d.checkRecordFree(ctx.Context(), args.Cloudflare))
		}
		return errors.Join(problems...)
	}
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

// defaultNames returns the names that the stack had by default when its owner was made,
// as far as the owner shows. States of early versions have an owner and no names.
func defaultNames(owner, project, stack string) map[string]string {
	i := strings.LastIndexByte(owner, '-')
	if i < 0 || i >= maxOwnerSlug || owner[:i] == slug(project+"-"+stack) {
		return nil
	}
	was := owner[:i]
	names := map[string]string{"pagesProject": was, "worker": was + "-api", "cluster": was + "-db"}
	if old, renamedProject := strings.CutSuffix(was, "-"+slug(stack)); renamedProject {
		names["database"] = strings.ReplaceAll(old, "-", "_")
	}
	return names
}

// renamed returns the error of a stack or a project whose rename changes default names.
func (args *NamesArgs) renamed(before map[string]string) error {
	var lines []string
	for _, key := range slices.Sorted(maps.Keys(args.Names)) {
		if was := before[key]; was != "" && was != args.Names[key] && args.Default[key] {
			lines = append(lines, fmt.Sprintf("pulumi config set %s %s", key, was))
		}
	}
	if len(lines) == 0 {
		return nil
	}
	return fmt.Errorf("the stack or the project was renamed, which changes default names and would replace the resources that have them; "+
		"nothing was changed. To replace them, set other names. To keep them, run:\n  %s", strings.Join(lines, "\n  "))
}

// checkWorker refuses a Worker of another owner, and an account that lacks what its
// first Worker needs.
func (args *NamesArgs) checkWorker(ctx context.Context, owner string) error {
	if w := args.Live.worker; w != nil {
		if owns(owner, &w.Script) {
			return nil
		}
		return workerConflict(args.Cloudflare, args.Names["worker"])
	}
	switch has, err := args.Cloudflare.HasSubdomain(ctx); {
	case err != nil:
		return fmt.Errorf("looking for the account's workers.dev subdomain: %w", err)
	case !has:
		return fmt.Errorf("the Cloudflare account takes no Worker yet, since it has no workers.dev subdomain: %s", cloudflare.RegisterSubdomain)
	}
	return nil
}

// checkProject refuses a Pages project that is not bound to a Worker of the owner, since
// a project has no place for the owner itself.
func (args *NamesArgs) checkProject(ctx context.Context, owner string) error {
	if args.Live.project == nil {
		return nil
	}
	project := args.Names["pagesProject"]
	bound := map[string]bool{}
	for _, config := range args.Live.project.DeploymentConfigs {
		for _, s := range config.Services {
			if s != nil {
				bound[s.Service] = true
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(bound)) {
		var script *cloudflare.Script
		if name != args.Names["worker"] {
			var err error
			if script, err = ifExists(args.Cloudflare.Script(ctx, name)); err != nil {
				return fmt.Errorf("reading the owner of the Worker %q, which the Pages project %q is bound to: %w", name, project, err)
			}
		} else if args.Live.worker != nil {
			script = &args.Live.worker.Script
		}
		if owns(owner, script) {
			return nil
		}
	}
	return projectConflict(args.Cloudflare, project, "it is not bound to its Worker")
}

// owns reports whether there is a script and it bears the owner.
func owns(owner string, script *cloudflare.Script) bool {
	return script != nil && owner != "" && script.Var(varOwner) == owner
}

func workerConflict(client *cloudflare.Client, name string) error {
	return conflict(client, "Worker", "worker", "cloudflare:index/workersScript:WorkersScript", name, "its variable "+varOwner+" is not this stack's")
}

func projectConflict(client *cloudflare.Client, name, why string) error {
	return conflict(client, "Pages project", "pagesProject", "cloudflare:index/pagesProject:PagesProject", name, why)
}

func conflict(client *cloudflare.Client, what, key, token, name, why string) error {
	return fmt.Errorf("a %s %q exists already and does not belong to this stack (%s); it was not changed: "+
		"choose another name (config key %s), or import it and set the config key adopt to true for the run after the import: "+
		"pulumi import %s %s %s/%s", what, name, why, key, token, name, client.AccountID, name)
}

// beforeCreate runs when the state has no project. It deletes an orphan, so that it is
// created again, and refuses any other project.
func (args *PagesArgs) beforeCreate(ctx context.Context, dryRun bool) error {
	project, err := ifExists(args.Cloudflare.Project(ctx, args.Name))
	switch {
	case err != nil:
		return fmt.Errorf("looking for a Pages project %q before creating it: %w", args.Name, err)
	case project == nil:
		return nil
	}
	deployments, err := args.Cloudflare.Deployments(ctx, args.Name, "", 1)
	if err != nil {
		return fmt.Errorf("listing the deployments of the Pages project %q: %w", args.Name, err)
	}
	altered := project.Altered(args.ProductionBranch)
	switch {
	case len(deployments) > 0:
		return projectConflict(args.Cloudflare, args.Name, "it has deployments")
	case altered != "":
		return projectConflict(args.Cloudflare, args.Name, "a new one would not have its "+altered)
	case args.Adopt:
		// The name was not checked, so the project may predate this stack.
		return projectConflict(args.Cloudflare, args.Name, "it is empty; delete it if an interrupted run left it")
	case dryRun:
		return nil
	}
	if err := args.Cloudflare.DeleteProject(ctx, args.Name); err != nil {
		return fmt.Errorf("deleting the empty Pages project %q that an interrupted run left: %w", args.Name, err)
	}
	return nil
}

// beforeCreate runs when the state has no Worker. It refuses one of another owner, which
// the upload would overwrite silently.
func (args *WorkerArgs) beforeCreate(ctx context.Context, owner string) error {
	script, err := ifExists(args.Cloudflare.Script(ctx, args.Name))
	switch {
	case err != nil:
		return fmt.Errorf("looking for a Worker %q before creating it: %w", args.Name, err)
	case script != nil && !owns(owner, script):
		return workerConflict(args.Cloudflare, args.Name)
	}
	return nil
}
