package stack

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"portfolio-infra/internal/cloudflare"
)

// checkNames refuses default names that changed with the name of the stack or the project,
// and Cloudflare's names that are in use. The provider checks the cluster and its SQL
// users itself, in a preview too.
//
// A domain and a DNS record bear no mark, and the names do not tell whether the state has
// them. So all but a record that leads elsewhere is left to [newDomain].
func checkNames(ctx *pulumi.Context, cfg *Config, w *world, names, kept map[string]string) error {
	owner := names[varOwner]
	if err := checkRenamed(cfg, kept, owner, ctx.Project(), ctx.Stack()); err != nil || cfg.Adopt {
		return err
	}
	// A state that has the Worker or the project is the proof that it is this stack's: only
	// the stash was replaced, or written by an older program. An import would make a second
	// entry of it, whose removal would delete it.
	hasWorker := func() bool { return stateHas(ctx, workerToken, cfg.Worker) }
	if err := checkLost(cfg, w, owner, kept); err != nil && !hasWorker() {
		return err
	}
	if err := checkLeft(ctx, cfg, w.api, kept, owner); err != nil {
		return err
	}
	moved := names["accountId"] != kept["accountId"]
	changed := func(key string) bool { return names[key] != kept[key] || moved }
	unchecked := kept["adopt"] != ""
	var problems []error
	if changed("worker") || unchecked {
		if err := checkWorkerName(ctx.Context(), cfg, w, owner); err != nil && !hasWorker() {
			problems = append(problems, err)
		}
	}
	if changed("pagesProject") || unchecked {
		if err := checkProjectName(ctx.Context(), cfg, w, owner); err != nil && !stateHas(ctx, projectToken, cfg.PagesProject) {
			problems = append(problems, err)
		}
	}
	if cfg.Domain != "" && (changed("domain") || changed("zoneId")) {
		if err := checkRecordName(ctx.Context(), cfg, w); err != nil && !stateHas(ctx, recordToken, recordName(cfg.Domain)) {
			problems = append(problems, err)
		}
	}
	return errors.Join(problems...)
}

// checkRenamed refuses a rename of the stack or the project that changes default names.
// A name that was never the default is changed by its config key alone.
//
// An environment has only default names. So they may change with the project's, and the stack
// keeps its name.
func checkRenamed(cfg *Config, kept map[string]string, owner, project, stack string) error {
	if err := checkStackName(owner, project, stack); err != nil || cfg.Environment != nil {
		return err
	}
	var lines []string
	names, before := cfg.names(), defaultNames(owner, project, stack)
	if strings.LastIndexByte(owner, '-') >= maxOwnerSlug {
		before = kept // the owner is cut off, so any kept name may have been the default
	}
	for _, key := range slices.Sorted(maps.Keys(names)) {
		was := before[key]
		if was != "" && was != names[key] && cfg.DefaultNames[key] && (len(kept) == 0 || kept[key] == was) {
			lines = append(lines, fmt.Sprintf("`pulumi config set %s %s`", key, was))
		}
	}
	if len(lines) == 0 {
		return nil
	}
	return fmt.Errorf("the stack or the project was renamed, which changes default names and would replace the resources that have them; "+
		"nothing was changed. To replace them, set other names. To keep them, run:\n  %s", strings.Join(lines, "\n  "))
}

// checkLost refuses to go on from a state that lost its names: it would take everything
// that is there for an orphan. Nothing bears an owner before the state has names, except
// for the Worker of an early version, which has no upload note.
func checkLost(cfg *Config, w *world, owner string, kept map[string]string) error {
	if len(kept) > 0 || w.worker == nil || !owns(owner, &w.worker.Script) || w.worker.Var(varUpload) == "" {
		return nil
	}
	lines := []string{importLine(w.api, workerToken, cfg.Worker)}
	if w.project != nil {
		lines = append(lines, importLine(w.api, projectToken, cfg.PagesProject))
	}
	return fmt.Errorf("the Worker %q is this stack's, but the state has lost the stash with the stack's names (pulumi state delete), "+
		"so it cannot tell what else is; nothing was changed. Run %s and `pulumi config set adopt true`, then `pulumi up`, then `pulumi config rm adopt`",
		cfg.Worker, strings.Join(lines, ", "))
}

// checkWorkerName refuses a Worker of another owner, and an account that lacks what its
// first Worker needs.
func checkWorkerName(ctx context.Context, cfg *Config, w *world, owner string) error {
	if w.worker != nil {
		if owns(owner, &w.worker.Script) {
			return nil
		}
		return workerConflict(w.api, cfg.Worker)
	}
	switch has, err := w.api.HasSubdomain(ctx); {
	case err != nil:
		return fmt.Errorf("looking for the account's workers.dev subdomain: %w", err)
	case !has:
		return fmt.Errorf("the Cloudflare account takes no Worker yet, since it has no workers.dev subdomain: %s", cloudflare.RegisterSubdomain)
	}
	return nil
}

// checkProjectName refuses a Pages project that is not bound to a Worker of the owner, since
// a project has no place for the owner itself.
func checkProjectName(ctx context.Context, cfg *Config, w *world, owner string) error {
	if w.project == nil {
		return nil
	}
	for _, name := range w.project.BoundTo() {
		var script *cloudflare.Script
		if name != cfg.Worker {
			var err error
			if script, err = ifExists(w.api.Script(ctx, name)); err != nil {
				return fmt.Errorf("reading the owner of the Worker %q, which the Pages project %q is bound to: %w", name, cfg.PagesProject, err)
			}
		} else if w.worker != nil {
			script = &w.worker.Script
		}
		if owns(owner, script) {
			return nil
		}
	}
	return projectConflict(w.api, cfg.PagesProject, "it is not bound to its Worker")
}

// checkRecordName refuses a domain that leads elsewhere than to the project.
func checkRecordName(ctx context.Context, cfg *Config, w *world) error {
	if cfg.ZoneID == "" {
		return nil
	}
	target := ""
	if w.project != nil {
		target = w.project.Subdomain
	}
	records, err := w.api.Records(ctx, cfg.ZoneID, cfg.Domain)
	if err != nil {
		return fmt.Errorf("looking for DNS records of %q: %w", cfg.Domain, err)
	}
	for _, r := range records {
		if stops(r) && r.Content != target {
			return recordConflict(cfg, r)
		}
	}
	return nil
}
