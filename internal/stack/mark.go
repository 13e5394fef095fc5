package stack

import (
	"fmt"
	"maps"
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"portfolio-infra/internal/cloudflare"
)

const (
	workerToken  = "cloudflare:index/workersScript:WorkersScript"
	projectToken = "cloudflare:index/pagesProject:PagesProject"
)

// owns reports whether there is a script and it bears the owner.
func owns(owner string, script *cloudflare.Script) bool {
	return script != nil && owner != "" && script.Var(varOwner) == owner
}

func workerConflict(api *cloudflare.Client, name string) error {
	return conflict(api, "Worker", "worker", workerToken, name, "its variable "+varOwner+" is not this stack's")
}

func projectConflict(api *cloudflare.Client, name, why string) error {
	return conflict(api, "Pages project", "pagesProject", projectToken, name, why)
}

func conflict(api *cloudflare.Client, what, key, token, name, why string) error {
	return fmt.Errorf("a %s %q exists already and does not belong to this stack (%s); it was not changed: "+
		"choose another name (config key %s), or, to manage it here, run %s and `pulumi config set adopt true`, then `pulumi up`, then `pulumi config rm adopt`",
		what, name, why, key, importLine(api, token, name))
}

// importLine imports a resource that has its cloud's name.
func importLine(api *cloudflare.Client, token, name string) string {
	return fmt.Sprintf("`pulumi import %s %s %s/%s`", token, name, api.AccountID, name)
}

// checkMark refuses a Worker that bears the mark of another owner now, even if the state
// has it: another stack uses it, and would upload its own script again.
func checkMark(ctx *pulumi.Context, cfg *Config, w *world, owner string) error {
	if cfg.Adopt || w.worker == nil {
		return nil
	}
	return markConflict(cfg.Worker, &w.worker.Script, owner, ctx.Project(), ctx.Stack())
}

// markConflict returns an error if a script bears the mark of another owner. A new name
// alone would not do: the engine would delete the Worker of the old one.
func markConflict(name string, script *cloudflare.Script, owner, project, stack string) error {
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
func checkLeft(ctx *pulumi.Context, cfg *Config, api *cloudflare.Client, kept map[string]string, owner string) error {
	old := map[string]bool{}
	if name := kept["worker"]; name != "" && name != cfg.Worker {
		old[name] = true
	}
	if name := kept["pagesProject"]; name != "" && name != cfg.PagesProject {
		project, err := ifExists(api.Project(ctx.Context(), name))
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
		script, err := ifExists(api.Script(ctx.Context(), name))
		if err != nil {
			return fmt.Errorf("reading the owner of the Worker %q: %w", name, err)
		}
		if err := markConflict(name, script, owner, ctx.Project(), ctx.Stack()); err != nil {
			return err
		}
	}
	return nil
}
