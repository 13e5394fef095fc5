package stack

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumix"

	"portfolio-infra/internal/cloudflare"
	"portfolio-infra/internal/pages"
)

// envDrift is the drift mark of the bindings, in the command's environment.
const envDrift = "PAGES_BINDING_DRIFT"

// unbindCommand runs if the binding is removed but the project stays.
var unbindCommand = `test -x bin/portfolio || { echo "bin/portfolio is not there: run make build, then run it again" >&2; exit 1; }; ` +
	pages.Command("unbind")

// bindCommand is the command that patches the bindings and variables into the project.
type bindCommand struct {
	// Result is its last result.
	Result pulumi.MapOutput

	resource pulumi.Resource
	stdout   pulumi.StringOutput
	drifted  bool // whether it sets what the project lacks
	// settings changes with what a production deployment takes from the project.
	settings pulumi.StringOutput
}

// newBinding declares the bind command. With it the component is complete.
func newBinding(ctx *pulumi.Context, cfg *Config, w *world, names *names, worker *Worker, p *Pages) (*bindCommand, error) {
	// It makes the digests of secrets. It is itself a secret, and makes the request one.
	key, err := newDigestKey(ctx, cfg.BindingsSecret || len(cfg.SiteSecrets) > 0)
	if err != nil {
		return nil, err
	}
	command := pagesCommand{
		run: pages.Command("bind"), remove: unbindCommand,
		request: pulumix.Cast[pulumi.StringOutput](pulumix.Apply3Err(p.Project.Name, p.createdOn, key, cfg.bindRequest)),
		mark:    envDrift, drift: bindDrift(cfg, w.project, keptDomain(cfg, names), time.Now()),
	}
	if w.project != nil {
		command.reason = fmt.Sprintf("the bindings of the Pages project %q are set again: %s", cfg.PagesProject, command.drift)
	}
	opts := []pulumi.ResourceOption{
		pulumi.DependsOn([]pulumi.Resource{worker.Script}),
		// Else a replacement would set the bindings, and then remove them as the old ones.
		pulumi.DeleteBeforeReplace(true),
	}
	if keptDomain(cfg, names) != "" {
		hook, err := registerHook(ctx, "domain is there", false, func(*pulumi.ResourceHookArgs) error {
			return ensureDomain(ctx.Context(), w.api, cfg.PagesProject, cfg.Domain)
		})
		if err != nil {
			return nil, err
		}
		opts = append(opts, pulumi.ResourceHooks(&pulumi.ResourceHookBinding{AfterUpdate: hook}))
	}
	bind, err := newPagesCommand(ctx, cfg, p, "binding", command, opts...)
	if err != nil {
		return nil, err
	}
	// The result has no secret but hidden settings, and one in the environment or the request
	// makes it one.
	stdout := hidden(cfg.BindingsSecret, pulumi.Unsecret(bind.Stdout).(pulumi.StringOutput)).ToStringOutput()
	settings := pulumix.Apply(key, func(key string) string {
		return pages.BindRequest{Wanted: cfg.Bindings, Secrets: cfg.SiteSecrets, Key: key}.Settings()
	})
	b := &bindCommand{
		Result: pulumix.Cast[pulumi.MapOutput](pulumix.ApplyErr(stdout, func(line string) (map[string]any, error) {
			return bindResult(cfg, w.project, line)
		})),
		resource: bind,
		stdout:   stdout,
		drifted:  len(settingsDrift(cfg, w.project)) > 0,
		settings: pulumi.Unsecret(pulumix.Cast[pulumi.StringOutput](settings)).(pulumi.StringOutput),
	}
	return b, ctx.RegisterResourceOutputs(p, pulumi.Map{"url": p.URL, "binding": b.Result})
}

// newDigestKey declares the key by which a run knows that secrets are as the last one set
// them. The state keeps it as a secret. Without need there is none.
func newDigestKey(ctx *pulumi.Context, need bool) (pulumi.StringOutput, error) {
	if !need {
		return pulumi.String("").ToStringOutput(), nil
	}
	return newKept(ctx, "digest-key", rand.Text(), true)
}

// keptDomain returns the domain that an earlier run added to the project, or "". Where it is
// gone, the bind command is followed by its creation. With another project the engine moves
// the domain there.
func keptDomain(cfg *Config, names *names) string {
	if names.Before["domain"] != cfg.Domain || names.Before["pagesProject"] != cfg.PagesProject {
		return ""
	}
	return cfg.Domain
}

// bindRequest returns the standard input of the bind command.
func (c *Config) bindRequest(project, createdOn, key string) (string, error) {
	b, err := json.Marshal(pages.BindRequest{
		AccountID:        c.AccountID,
		Project:          project,
		ProductionBranch: c.ProductionBranch,
		CreatedOn:        createdOn,
		Wanted:           c.Bindings,
		Secrets:          c.SiteSecrets,
		Key:              key,
	})
	return string(b), err
}

// bindResult reads the standard output of the bind command, and adds whether
// somebody has to deploy the site for the bindings to take effect.
func bindResult(cfg *Config, project *cloudflare.Project, line string) (map[string]any, error) {
	result, err := decode[map[string]any]("bind", line)
	if err != nil {
		return nil, err
	}
	delete(result, "digests") // they are for the next run
	if cfg.Site != nil {
		delete(result, "redeploy") // a deployment follows each change
		return result, nil
	}
	// There may have been a deployment since the command ran.
	changedAt, _ := result["changedAt"].(string)
	result["redeploy"] = project != nil && pages.Outdated(project.CanonicalDeployment, changedAt)
	return result, nil
}

// settingsDrift names the bindings and settings that the project does not have as wanted.
func settingsDrift(cfg *Config, project *cloudflare.Project) []string {
	if project == nil {
		return nil
	}
	return pages.Drift(*project, cfg.Bindings, slices.Collect(maps.Keys(cfg.SiteSecrets))...)
}

// bindDrift returns the drift mark of the bindings, settings and the domain that the project
// does not have as wanted, or "".
func bindDrift(cfg *Config, project *cloudflare.Project, domain string, now time.Time) string {
	if project == nil {
		return markDrift("no project", now)
	}
	names := settingsDrift(cfg, project)
	if domain != "" && !slices.Contains(project.Domains, domain) {
		names = append(names, "the domain "+domain)
	}
	if len(names) == 0 {
		return ""
	}
	return markDrift("not as wanted: "+strings.Join(names, ", "), now)
}

// output waits for the command and returns its standard output, or "" in a preview that
// does not know it. A run that leaves it out before it was ever run has no output. What
// depends on it must not follow then: Pulumi would save a state that nothing can read.
func (b *bindCommand) output(ctx *pulumi.Context) (string, error) {
	line, known, err := await(ctx.Context(), b.stdout)
	if err == nil && !known && !ctx.DryRun() {
		err = errors.New("this run leaves out the command binding, without which there is no site: run `pulumi up` without --target and --exclude")
	}
	return line, err
}

// outdates reports whether bindings were set after the deployment that a project serves, or
// will be in this run.
func (b *bindCommand) outdates(ctx *pulumi.Context, project *cloudflare.Project) (bool, error) {
	line, err := b.output(ctx)
	if b.drifted || project == nil || line == "" || err != nil {
		return b.drifted && project != nil, err
	}
	result, err := decode[pages.BindResult]("bind", line)
	return pages.Outdated(project.CanonicalDeployment, result.ChangedAt), err
}

// checkWranglerFile refuses a project that takes its bindings from a Wrangler file and
// lacks ours. That file may name only a Worker that exists. So before the first upload
// this is a warning, and bind refuses after it. Otherwise it says that the Wrangler file of a
// site is not read.
func checkWranglerFile(ctx *pulumi.Context, cfg *Config, w *world) error {
	warnings, err := wranglerWarnings(cfg, w)
	for _, warning := range warnings {
		err = errors.Join(err, ctx.Log.Warn(warning, nil))
	}
	return err
}

func wranglerWarnings(cfg *Config, w *world) ([]string, error) {
	if w.project != nil {
		err := pages.CheckWranglerFile(*w.project, cfg.Bindings)
		if err != nil && w.worker == nil {
			return []string{err.Error()}, nil
		}
		if err != nil {
			return nil, err
		}
	}
	if cfg.Site == nil {
		return nil, nil
	}
	return cfg.Site.wranglerFiles, nil
}
