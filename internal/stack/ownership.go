package stack

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/internals"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumix"

	"portfolio-infra/internal/cloudflare"
)

// newOwner declares the owner: a name that only this state has, made of the project's
// and the stack's name and a random part. The engine saves it in the first run before
// it hands it on, so whatever bears it was made by this stack.
// https://www.pulumi.com/docs/iac/concepts/resources/stash/
func newOwner(ctx *pulumi.Context) (pulumi.StringOutput, error) {
	random, err := unknownInPreview(ctx, ownerName(ctx.Project(), ctx.Stack(), rand.Text()), "")
	if err != nil {
		return pulumi.StringOutput{}, err
	}
	stash, err := pulumi.NewStash(ctx, "owner", &pulumi.StashArgs{Input: random}, pulumi.IgnoreChanges([]string{"input"}))
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

// names is what the state has of the stack's names and its owner, after the check.
type names struct {
	// Owner is for all that must come after the check.
	Owner pulumi.StringOutput
	// OwnerName is the owner, or "" in a preview that does not know it yet.
	OwnerName string
	// Before has the names that the state had before this run, if they are known.
	Before map[string]string

	stash *pulumi.Stash
}

// newNames keeps the stack's names in the state, and waits until it does. Before, each new
// name is checked: it must be free or this stack's. Hence what stands under a kept name
// and is not in the state is an orphan.
func newNames(ctx *pulumi.Context, name string, args *NamesArgs, opts ...pulumi.ResourceOption) (*names, error) {
	var before atomic.Pointer[map[string]string]
	hooks, err := registerHook(ctx, "names are free", true, func(hook *pulumi.ResourceHookArgs) error {
		kept := stashed(hook.OldInputs)
		before.Store(&kept)
		return args.check(ctx, stashed(hook.NewInputs), kept)
	})
	if err != nil {
		return nil, err
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
	n := &names{}
	if n.stash, err = pulumi.NewStash(ctx, name, &pulumi.StashArgs{Input: input}, opts...); err != nil {
		return nil, err
	}
	owner := pulumix.Apply2(args.Owner, n.stash.URN(), func(owner string, _ pulumi.URN) string { return owner })
	n.Owner = pulumix.Cast[pulumi.StringOutput](owner)
	result, err := internals.UnsafeAwaitOutput(ctx.Context(), n.Owner)
	if err != nil {
		return nil, err
	}
	n.OwnerName, _ = result.Value.(string)
	if kept := before.Load(); kept != nil {
		n.Before = *kept
	} else {
		n.Before, err = n.recorded(ctx.Context())
	}
	return n, err
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

// check refuses default names that changed with the name of the stack or the project,
// and Cloudflare's names that are in use. The provider checks the cluster and its SQL
// users itself, in a preview too.
//
// A domain and a DNS record bear no mark, and the names do not tell whether the state has
// them. So all but a record that leads elsewhere is left to [newDomain].
func (args *NamesArgs) check(ctx *pulumi.Context, names, kept map[string]string) error {
	owner := names[varOwner]
	if err := args.renamed(kept, owner, ctx.Project(), ctx.Stack()); err != nil || args.Adopt {
		return err
	}
	// A state that has the Worker or the project is the proof that it is this stack's: only
	// the stash was replaced, or written by an older program. An import would make a second
	// entry of it, whose removal would delete it.
	has := func(key, token string) bool { return stateHas(ctx, token, args.Names[key]) }
	if err := args.checkLost(owner, kept); err != nil && !has("worker", workerToken) {
		return err
	}
	if err := args.checkLeft(ctx, kept, owner); err != nil {
		return err
	}
	moved := names["accountId"] != kept["accountId"]
	changed := func(key string) bool { return names[key] != kept[key] || moved }
	unchecked := kept["adopt"] != ""
	var problems []error
	if changed("worker") || unchecked {
		if err := args.checkWorker(ctx.Context(), owner); err != nil && !has("worker", workerToken) {
			problems = append(problems, err)
		}
	}
	if changed("pagesProject") || unchecked {
		if err := args.checkProject(ctx.Context(), owner); err != nil && !has("pagesProject", projectToken) {
			problems = append(problems, err)
		}
	}
	if d := args.Domain; d != nil && (changed("domain") || changed("zoneId")) {
		target := ""
		if args.Live.project != nil {
			target = args.Live.project.Subdomain
		}
		if err := d.checkRecordFree(ctx.Context(), args.Cloudflare, target); err != nil && !stateHas(ctx, recordToken, "dns-"+d.Name) {
			problems = append(problems, err)
		}
	}
	return errors.Join(problems...)
}

// checkLost refuses to go on from a state that lost its names: it would take everything
// that is there for an orphan. Nothing bears an owner before the state has names, except
// for the Worker of an early version, which has no upload note.
func (args *NamesArgs) checkLost(owner string, kept map[string]string) error {
	w := args.Live.worker
	if len(kept) > 0 || w == nil || !owns(owner, &w.Script) || w.Var(varUpload) == "" {
		return nil
	}
	lines := []string{importLine(args.Cloudflare, workerToken, args.Names["worker"])}
	if args.Live.project != nil {
		lines = append(lines, importLine(args.Cloudflare, projectToken, args.Names["pagesProject"]))
	}
	return fmt.Errorf("the Worker %q is this stack's, but the state has lost the stash with the stack's names (pulumi state delete), "+
		"so it cannot tell what else is; nothing was changed. Run %s and `pulumi config set adopt true`, then `pulumi up`, then `pulumi config rm adopt`",
		args.Names["worker"], strings.Join(lines, ", "))
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
// A name that was never the default is changed by its config key alone.
func (args *NamesArgs) renamed(kept map[string]string, owner, project, stack string) error {
	var lines []string
	before := defaultNames(owner, project, stack)
	if strings.LastIndexByte(owner, '-') >= maxOwnerSlug {
		before = kept // the owner is cut off, so any kept name may have been the default
	}
	for _, key := range slices.Sorted(maps.Keys(args.Names)) {
		was := before[key]
		if was != "" && was != args.Names[key] && args.Default[key] && (len(kept) == 0 || kept[key] == was) {
			lines = append(lines, fmt.Sprintf("`pulumi config set %s %s`", key, was))
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
	switch ours, err := args.boundToOurs(ctx, *args.Live.project, owner); {
	case err != nil:
		return err
	case !ours:
		return projectConflict(args.Cloudflare, args.Names["pagesProject"], "it is not bound to its Worker")
	}
	return nil
}

// boundToOurs reports whether a project is bound to a Worker of the owner.
func (args *NamesArgs) boundToOurs(ctx context.Context, project cloudflare.Project, owner string) (bool, error) {
	for _, name := range project.BoundTo() {
		var script *cloudflare.Script
		if name != args.Names["worker"] {
			var err error
			if script, err = ifExists(args.Cloudflare.Script(ctx, name)); err != nil {
				return false, fmt.Errorf("reading the owner of the Worker %q, which the Pages project %q is bound to: %w", name, project.Name, err)
			}
		} else if args.Live.worker != nil {
			script = &args.Live.worker.Script
		}
		if owns(owner, script) {
			return true, nil
		}
	}
	return false, nil
}

// owns reports whether there is a script and it bears the owner.
func owns(owner string, script *cloudflare.Script) bool {
	return script != nil && owner != "" && script.Var(varOwner) == owner
}

const (
	workerToken  = "cloudflare:index/workersScript:WorkersScript"
	projectToken = "cloudflare:index/pagesProject:PagesProject"
)

func workerConflict(client *cloudflare.Client, name string) error {
	return conflict(client, "Worker", "worker", workerToken, name, "its variable "+varOwner+" is not this stack's")
}

func projectConflict(client *cloudflare.Client, name, why string) error {
	return conflict(client, "Pages project", "pagesProject", projectToken, name, why)
}

func conflict(client *cloudflare.Client, what, key, token, name, why string) error {
	return fmt.Errorf("a %s %q exists already and does not belong to this stack (%s); it was not changed: "+
		"choose another name (config key %s), or, to manage it here, run %s and `pulumi config set adopt true`, then `pulumi up`, then `pulumi config rm adopt`",
		what, name, why, key, importLine(client, token, name))
}

// importLine imports a resource that has its cloud's name.
func importLine(client *cloudflare.Client, token, name string) string {
	return fmt.Sprintf("`pulumi import %s %s %s/%s`", token, name, client.AccountID, name)
}

// checkMark refuses a Worker that bears the mark of another owner now, even if the state
// has it: another stack uses it, and would upload its own script again.
func (args *NamesArgs) checkMark(ctx *pulumi.Context, owner string) error {
	if args.Adopt || args.Live.worker == nil {
		return nil
	}
	return args.markConflict(args.Names["worker"], &args.Live.worker.Script, owner, ctx.Project(), ctx.Stack())
}

// markConflict returns an error if a script bears the mark of another owner. A new name
// alone would not do: the engine would delete the Worker of the old one.
func (args *NamesArgs) markConflict(name string, script *cloudflare.Script, owner, project, stack string) error {
	if script == nil || owner == "" || script.Var(varOwner) == "" || owns(owner, script) {
		return nil
	}
	urn := fmt.Sprintf("urn:pulumi:%s::%s::portfolio:index:Api$%s::%s", stack, project, workerToken, name)
	return fmt.Errorf("the Worker %q bears the mark of another stack (its variable %s is %q); nothing was changed.\n"+
		"  To take it back: `pulumi config set adopt true`, then `pulumi up`, then `pulumi config rm adopt`.\n"+
		"  To leave it to that stack: `pulumi state delete --yes --target-dependents '%s'`, which deletes nothing in any cloud, "+
		"then the same with other names (config keys worker and pagesProject)", name, varOwner, script.Var(varOwner), urn)
}

// checkLeft refuses to leave a name behind whose Worker bears the mark of another owner
// now, or whose project is bound to such a Worker: the engine would delete it. The names
// do not tell whether the state still has them, so adopt leaves this check out as well.
func (args *NamesArgs) checkLeft(ctx *pulumi.Context, kept map[string]string, owner string) error {
	old := map[string]bool{}
	if name := kept["worker"]; name != "" && name != args.Names["worker"] {
		old[name] = true
	}
	if name := kept["pagesProject"]; name != "" && name != args.Names["pagesProject"] {
		project, err := ifExists(args.Cloudflare.Project(ctx.Context(), name))
		if err != nil {
			return fmt.Errorf("reading the Pages project %q, which gets another name: %w", name, err)
		}
		if project != nil {
			for _, worker := range project.BoundTo() {
				old[worker] = true
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(old)) {
		script, err := ifExists(args.Cloudflare.Script(ctx.Context(), name))
		if err != nil {
			return fmt.Errorf("reading the owner of the Worker %q: %w", name, err)
		}
		if err := args.markConflict(name, script, owner, ctx.Project(), ctx.Stack()); err != nil {
			return err
		}
	}
	return nil
}

// beforeCreate runs when the state has no project, or is to replace it. It deletes an
// orphan, so that it is created again, and refuses any other project.
//
// Two stacks that begin together may both find their names free. The Worker, which comes
// before the project, bears the mark of the one that uploaded last; the other one stops
// here. Both go on, and the later deletes the empty project of the earlier, only if the
// upload of the later takes effect after the earlier has passed this check, though its own
// look at the Worker was before the earlier's upload.
func (args *PagesArgs) beforeCreate(ctx *pulumi.Context) error {
	script, err := ifExists(args.Cloudflare.Script(ctx.Context(), args.Names.Names["worker"]))
	if err != nil {
		return fmt.Errorf("reading the owner of the Worker before creating the Pages project %q: %w", args.Name, err)
	}
	if err := args.Names.markConflict(args.Names.Names["worker"], script, args.Owner, ctx.Project(), ctx.Stack()); err != nil {
		return err
	}
	if ctx.DryRun() && stateHas(ctx, projectToken, args.Name) {
		return nil // a replacement: the run deletes the old one first
	}
	return args.clear(ctx.Context(), ctx.DryRun())
}

// clear deletes an orphan, and refuses any other project.
func (args *PagesArgs) clear(ctx context.Context, dryRun bool) error {
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
	case args.Names.Adopt:
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
