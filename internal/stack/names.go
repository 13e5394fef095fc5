package stack

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"portfolio-infra/internal/cloudflare"
)

// newNames keeps the names that the stack uses in the state, and looks at those that
// are new or changed before it does so: nothing else is declared before that. So once
// they are kept, they were free or this stack's, and what stands there later is of a run
// that died. It returns the owner, for all that comes after the names.
func newNames(ctx *pulumi.Context, cfg Config, l live, owner pulumi.StringOutput) (pulumi.StringOutput, error) {
	hook, err := ctx.RegisterResourceHook("names are free", namesGuard(ctx, cfg, l), &pulumi.ResourceHookOptions{OnDryRun: true})
	if err != nil {
		return pulumi.StringOutput{}, err
	}
	input := pulumi.Map{varOwner: owner, "accountId": pulumi.String(cfg.AccountID)}
	for key, name := range cfg.names() {
		input[key] = pulumi.String(name)
	}
	if cfg.Adopt {
		// Without it they are looked at again.
		input["adopt"] = pulumi.String("true")
	}
	hooks := []*pulumi.ResourceHook{hook}
	stash, err := pulumi.NewStash(ctx, "names", &pulumi.StashArgs{Input: input},
		pulumi.ResourceHooks(&pulumi.ResourceHookBinding{BeforeCreate: hooks, BeforeUpdate: hooks}))
	if err != nil {
		return pulumi.StringOutput{}, err
	}
	return pulumi.All(owner, stash.URN()).ApplyT(func(v []any) string { return v[0].(string) }).(pulumi.StringOutput), nil
}

// names are those that have a default made of the project's and the stack's, by key.
func (c Config) names() map[string]string {
	return map[string]string{"pagesProject": c.PagesProject, "worker": c.Worker, "cluster": c.Cluster, "database": c.Database}
}

// namesGuard refuses names that came of a renamed stack, and Cloudflare's that are
// somebody else's. The cluster and its users are looked at by their provider, in a
// preview too.
func namesGuard(ctx *pulumi.Context, cfg Config, l live) pulumi.ResourceHookFunction {
	return func(args *pulumi.ResourceHookArgs) error {
		now, kept := stashed(args.NewInputs), stashed(args.OldInputs)
		owner := now[varOwner]
		before := kept
		if len(kept) == 0 {
			before = namesOf(owner, ctx.Project(), ctx.Stack())
		}
		if err := renamed(cfg, before); err != nil {
			return err
		}
		if cfg.Adopt {
			return nil
		}
		changed := func(key string) bool {
			return now[key] != kept[key] || now["accountId"] != kept["accountId"] || kept["adopt"] != ""
		}
		var problems []error
		client := cfg.Cloudflare.client(cfg.AccountID)
		if changed("worker") {
			problems = append(problems, lookAtWorker(ctx.Context(), client, cfg, l, owner))
		}
		if changed("pagesProject") {
			problems = append(problems, lookAtProject(ctx.Context(), client, cfg, l, owner))
		}
		return errors.Join(problems...)
	}
}

// stashed are the names among a Stash's inputs, with owner and account.
func stashed(inputs resource.PropertyMap) map[string]string {
	names := map[string]string{}
	all, _ := plain(inputs["input"]).V.(resource.PropertyMap)
	for key, v := range all {
		if s, is := plain(v).V.(string); is {
			names[string(key)] = s
		}
	}
	return names
}

// namesOf are the names that the stack had by default when its owner was made, as far
// as that tells: for states of a version that kept no names.
func namesOf(owner, project, stack string) map[string]string {
	i := strings.LastIndexByte(owner, '-')
	made := slug(project + "-" + stack)
	if i < 0 || i >= maxOwnerSlug || owner[:i] == made {
		return nil
	}
	was := owner[:i]
	names := map[string]string{"pagesProject": was, "worker": was + "-api", "cluster": was + "-db"}
	if old, renamedProject := strings.CutSuffix(was, "-"+slug(stack)); renamedProject {
		names["database"] = strings.ReplaceAll(old, "-", "_")
	}
	return names
}

// renamed is the error of a stack or a project that has another name than when its
// resources were made. A key that is set says that another name is meant.
func renamed(cfg Config, before map[string]string) error {
	var lines []string
	names := cfg.names()
	for _, key := range slices.Sorted(maps.Keys(names)) {
		if was := before[key]; was != "" && was != names[key] && cfg.Unset[key] {
			lines = append(lines, fmt.Sprintf("pulumi config set %s %s", key, was))
		}
	}
	if len(lines) == 0 {
		return nil
	}
	return fmt.Errorf("the stack or the project was renamed, and what has its name by default would be made anew under another one; "+
		"nothing was changed. To keep what there is (or another name, to have it made anew), run:\n  %s", strings.Join(lines, "\n  "))
}

// lookAtWorker refuses a Worker that does not bear the owner, and an account that
// cannot have its first one.
func lookAtWorker(ctx context.Context, client *cloudflare.Client, cfg Config, l live, owner string) error {
	if l.worker != nil {
		if owner != "" && l.worker.Var(varOwner) == owner {
			return nil
		}
		return conflictingWorker(client, cfg.Worker)
	}
	switch has, err := client.HasSubdomain(ctx); {
	case err != nil:
		return fmt.Errorf("looking for the account's workers.dev subdomain: %w", err)
	case !has:
		return fmt.Errorf("the Cloudflare account takes no Worker yet, since it has no workers.dev subdomain: %s", cloudflare.RegisterSubdomain)
	}
	return nil
}

// lookAtProject refuses a Pages project that is not bound to a Worker that bears the
// owner.
func lookAtProject(ctx context.Context, client *cloudflare.Client, cfg Config, l live, owner string) error {
	if l.project == nil {
		return nil
	}
	workers := map[string]bool{}
	for _, config := range l.project.DeploymentConfigs {
		for _, s := range config.Services {
			if s != nil {
				workers[s.Service] = true
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(workers)) {
		worker, err := l.worker, error(nil)
		if name != cfg.Worker {
			worker, err = there(client.Script(ctx, name))
		}
		if err != nil {
			return fmt.Errorf("reading the Worker %q, which the Pages project %q is bound to, to see whose it is: %w", name, cfg.PagesProject, err)
		}
		if worker != nil && owner != "" && worker.Var(varOwner) == owner {
			return nil
		}
	}
	return conflictingProject(client, cfg.PagesProject, "it is not bound to its Worker")
}

func conflictingWorker(client *cloudflare.Client, name string) error {
	return fmt.Errorf("a Worker %q exists already and is not this stack's; it was left as it is: "+
		"choose another name (config key worker), or manage it here (and set the config key adopt to true for the run after it): "+
		"pulumi import cloudflare:index/workersScript:WorkersScript %s %s/%s", name, name, client.AccountID, name)
}

func conflictingProject(client *cloudflare.Client, name, why string) error {
	return fmt.Errorf("a Pages project %q exists already and is not this stack's (%s); it was left as it is: "+
		"choose another name (config key pagesProject), or manage it here (and set the config key adopt to true for the run after it): "+
		"pulumi import cloudflare:index/pagesProject:PagesProject %s %s/%s", name, why, name, client.AccountID, name)
}
