package stack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pulumi/pulumi-cloudflare/sdk/v6/go/cloudflare"
	"github.com/pulumi/pulumi-command/sdk/go/command/local"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/internals"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumix"

	"portfolio-infra/internal/binding"
	cfapi "portfolio-infra/internal/cloudflare"
)

// envDrift is the drift mark of the bindings, in the command's environment.
const envDrift = "PAGES_BINDING_DRIFT"

// deleteCommand runs where the binding goes and the project stays.
var deleteCommand = `test -x bin/portfolio || { echo "bin/portfolio is not there: run make build, then run it again" >&2; exit 1; }; ` +
	binding.Command("unbind")

// Pages is the component portfolio:index:Pages: the site and its service bindings.
type Pages struct {
	pulumi.ResourceState

	Project *cloudflare.PagesProject
	// URL is the site's address: the host name that Cloudflare gave the project, which
	// is its name unless that was taken.
	URL pulumi.StringOutput
	// Binding is the last result of the bind command.
	Binding pulumi.MapOutput

	bind      pulumi.Resource     // the bind command
	result    pulumi.StringOutput // its standard output
	drifted   bool                // whether it sets what the project lacks
	createdOn pulumi.StringOutput // see [PagesArgs.createdOn]
}

// PagesArgs are the inputs of a [Pages].
type PagesArgs struct {
	// Worker must exist before a binding may name it, and be deleted after the project:
	// Cloudflare does not delete a Worker that a deployed site is bound to.
	Worker           pulumi.Resource
	Name             string
	ProductionBranch string
	Bindings         binding.Wanted
	// Secrets are secret variables of the Functions. Key makes their digests.
	Secrets map[string]string
	// Hidden reports whether Bindings has what the configuration keeps secret. Then there
	// is a key too, which is a secret and makes the request one.
	Hidden bool
	Key    pulumi.StringOutput
	// Deployed reports whether the stack deploys the site itself.
	Deployed bool
	// CommandEnv is what the bind command cannot take from the environment of the run.
	CommandEnv pulumi.StringMap
	Names      *NamesArgs
	// Owner is the owner, or "" in a preview that does not know it yet.
	Owner string
	// Kept returns an error unless the state has the project's name.
	Kept func(context.Context) error
	// Domain is the site's; nil if it has none, or none that an earlier run added.
	Domain     *DomainArgs
	Protect    bool
	Cloudflare *cfapi.Client
	Live       *cfapi.Project // nil if there is none
}

// newPages declares the Pages project, without deploymentConfigs, and the command that
// patches the bindings into it.
func newPages(ctx *pulumi.Context, name string, args *PagesArgs, opts ...pulumi.ResourceOption) (*Pages, error) {
	p := &Pages{}
	if err := ctx.RegisterComponentResource("portfolio:index:Pages", name, p, opts...); err != nil {
		return nil, err
	}
	beforeCreate, err := registerHook(ctx, "project is free", true, func(*pulumi.ResourceHookArgs) error {
		if err := args.Kept(ctx.Context()); err != nil {
			return err
		}
		return args.beforeCreate(ctx)
	})
	if err != nil {
		return nil, err
	}
	beforeUpdate, err := registerHook(ctx, "project is there", false, args.recreate(ctx))
	if err != nil {
		return nil, err
	}
	p.Project, err = cloudflare.NewPagesProject(ctx, args.Name, &cloudflare.PagesProjectArgs{
		AccountId:        pulumi.String(args.Cloudflare.AccountID),
		Name:             pulumi.String(args.Name),
		ProductionBranch: pulumi.String(args.ProductionBranch),
	}, append(childOptions(p, args.Protect), pulumi.DependsOn([]pulumi.Resource{args.Worker}),
		// A refresh or an import reads other people's variables and secrets into them, and
		// each run after it would send an empty change.
		pulumi.IgnoreChanges([]string{"deploymentConfigs"}),
		pulumi.ResourceHooks(&pulumi.ResourceHookBinding{BeforeCreate: beforeCreate, BeforeUpdate: beforeUpdate}))...)
	if err != nil {
		return nil, err
	}
	p.URL = pulumi.Sprintf("https://%s", p.Project.Subdomain)
	p.createdOn = args.createdOn(ctx, p.Project)
	if err := newBinding(ctx, p, args); err != nil {
		return nil, err
	}
	return p, ctx.RegisterResourceOutputs(p, pulumi.Map{"url": p.URL, "binding": p.Binding})
}

// recreate creates a project again that was deleted by hand, before it is updated: the
// provider updates only what exists. Where no update is due, [PagesArgs.createdOn] does.
func (args *PagesArgs) recreate(ctx *pulumi.Context) pulumi.ResourceHookFunction {
	return func(*pulumi.ResourceHookArgs) error {
		_, err := args.ensureProject(ctx.Context())
		return err
	}
}

// ensureProject returns the project, which it creates again where it was deleted.
func (args *PagesArgs) ensureProject(ctx context.Context) (*cfapi.Project, error) {
	found, err := ifExists(args.Cloudflare.Project(ctx, args.Name))
	if found == nil && err == nil {
		if err = args.Cloudflare.CreateProject(ctx, args.Name, args.ProductionBranch); err == nil {
			found, err = ifExists(args.Cloudflare.Project(ctx, args.Name))
		}
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("creating the Pages project %q again where it was deleted: %w", args.Name, err)
	case found == nil:
		return nil, fmt.Errorf("the Pages project %q was created and cannot be read yet: run it again", args.Name)
	}
	return found, nil
}

// createdOn returns when the project was created, for the requests of the commands, which
// run again on a new project. The state keeps the time of a project that was deleted by
// hand until a refresh. So what Cloudflare says counts, unless this run creates the
// project: then it was read before.
func (args *PagesArgs) createdOn(ctx *pulumi.Context, project *cloudflare.PagesProject) pulumi.StringOutput {
	if args.Live == nil && ctx.DryRun() {
		unknown := pulumi.UnsafeUnknownOutput([]pulumi.Resource{project})
		return unknown.ApplyT(func(any) string { return "" }).(pulumi.StringOutput)
	}
	created := pulumix.ApplyErr(project.CreatedOn, func(recorded string) (string, error) {
		live := args.Live
		if live == nil {
			var err error
			if live, err = args.ensureProject(ctx.Context()); err != nil {
				return "", err
			}
		}
		if later(live.CreatedOn, recorded) {
			return live.CreatedOn, nil
		}
		return recorded, nil
	})
	return pulumix.Cast[pulumi.StringOutput](created)
}

// later reports whether the time a, as in RFC 3339, is after b.
func later(a, b string) bool {
	at, err1 := time.Parse(time.RFC3339, a)
	bt, err2 := time.Parse(time.RFC3339, b)
	return err1 == nil && (err2 != nil || at.After(bt))
}

// newBinding declares the command that patches the service bindings.
//
// The wanted bindings go to standard input, so a change of them is an update in place.
// Drift is put into the environment, so that it is an update too, and in the preview.
// After a repair the mark must stay as it is, or its removal would be a change; hence
// IgnoreChanges where there is no new drift.
func newBinding(ctx *pulumi.Context, p *Pages, args *PagesArgs) error {
	drift := args.drift(time.Now())
	environment := pulumi.StringMap{envDrift: pulumi.String("")}
	if drift != "" {
		reason := ""
		if args.Live != nil {
			reason = fmt.Sprintf("the bindings of the Pages project %q are set again: %s", args.Name, drift)
		}
		mark, err := unknownInPreview(ctx, drift, reason)
		if err != nil {
			return err
		}
		environment[envDrift] = mark
	}
	for name, value := range args.CommandEnv {
		environment[name] = value
	}
	opts := []pulumi.ResourceOption{
		pulumi.Parent(p),
		pulumi.DependsOn([]pulumi.Resource{args.Worker}),
		// The bindings go with the project. So a destroy needs neither the program, which
		// a fresh checkout has not built, nor the token, which may be an earlier run's.
		pulumi.DeletedWith(p.Project),
		// Else a replacement would set the bindings, and then remove them as the old ones.
		pulumi.DeleteBeforeReplace(true),
	}
	if args.Domain != nil {
		hook, err := registerHook(ctx, "domain is there", false, func(*pulumi.ResourceHookArgs) error {
			return args.Domain.ensure(ctx.Context(), args.Name)
		})
		if err != nil {
			return err
		}
		opts = append(opts, pulumi.ResourceHooks(&pulumi.ResourceHookBinding{AfterUpdate: hook}))
	}
	if drift == "" {
		opts = append(opts, pulumi.IgnoreChanges([]string{"environment." + envDrift}))
	}
	request := pulumix.Apply3Err(p.Project.Name, p.createdOn, args.Key, args.request)
	command, err := local.NewCommand(ctx, "binding", &local.CommandArgs{
		Create:      pulumi.String(binding.Command("bind")),
		Update:      pulumi.String(binding.Command("bind")),
		Delete:      pulumi.String(deleteCommand),
		Stdin:       pulumix.Cast[pulumi.StringOutput](request),
		Environment: environment,
		Logging:     local.LoggingStderr,
	}, opts...)
	if err != nil {
		return err
	}
	// The result has no secret but hidden settings, and one in the environment or the request
	// makes it one.
	stdout := hidden(args.Hidden, pulumi.Unsecret(command.Stdout).(pulumi.StringOutput)).ToStringOutput()
	p.result, p.drifted = stdout, len(args.bindingDrift()) > 0
	p.bind, p.Binding = command, pulumix.Cast[pulumi.MapOutput](pulumix.ApplyErr(stdout, args.result))
	return nil
}

// request returns the standard input of the bind command.
func (args *PagesArgs) request(project, createdOn, key string) (string, error) {
	b, err := json.Marshal(binding.Request{
		AccountID:        args.Cloudflare.AccountID,
		Project:          project,
		ProductionBranch: args.ProductionBranch,
		CreatedOn:        createdOn,
		Wanted:           args.Bindings,
		Secrets:          args.Secrets,
		Key:              key,
	})
	return string(b), err
}

// settings returns an output that changes with what a production deployment takes from the
// project.
func (args *PagesArgs) settings() pulumi.StringOutput {
	text := pulumix.Apply(args.Key, func(key string) string {
		return binding.Request{Wanted: args.Bindings, Secrets: args.Secrets, Key: key}.Settings()
	})
	return pulumi.Unsecret(pulumix.Cast[pulumi.StringOutput](text)).(pulumi.StringOutput)
}

// result reads the standard output of the bind command, and adds whether
// somebody has to deploy the site for the bindings to take effect.
func (args *PagesArgs) result(line string) (map[string]any, error) {
	var result map[string]any
	if err := json.Unmarshal([]byte(line), &result); err != nil {
		return nil, fmt.Errorf("reading the output of %s: %w", binding.Command("bind"), err)
	}
	delete(result, "digests") // they are for the next run
	if args.Deployed {
		delete(result, "redeploy") // a deployment follows each change
		return result, nil
	}
	// There may have been a deployment since the command ran.
	changedAt, _ := result["changedAt"].(string)
	result["redeploy"] = args.Live != nil && binding.Outdated(args.Live.CanonicalDeployment, changedAt)
	return result, nil
}

// outdates reports whether bindings were set after the deployment that a project serves, or
// will be in this run.
func (p *Pages) outdates(ctx *pulumi.Context, live *cfapi.Project) (bool, error) {
	line, err := p.bound(ctx)
	if p.drifted || live == nil || line == "" || err != nil {
		return p.drifted && live != nil, err
	}
	var bound binding.Result
	if err := json.Unmarshal([]byte(line), &bound); err != nil {
		return false, fmt.Errorf("reading the output of %s: %w", binding.Command("bind"), err)
	}
	return binding.Outdated(live.CanonicalDeployment, bound.ChangedAt), nil
}

// bound waits for the bind command and returns its standard output, or "" in a preview that
// does not know it. A run that leaves it out before it was ever run has no output. What
// depends on it must not follow then: Pulumi would save a state that nothing can read.
func (p *Pages) bound(ctx *pulumi.Context) (string, error) {
	result, err := internals.UnsafeAwaitOutput(ctx.Context(), p.result)
	if err != nil {
		return "", err
	}
	if !result.Known && !ctx.DryRun() {
		return "", errors.New("this run leaves out the command binding, without which there is no site: run `pulumi up` without --target and --exclude")
	}
	line, _ := result.Value.(string)
	return line, nil
}

// bindingDrift names the bindings and settings that the project does not have as wanted.
func (args *PagesArgs) bindingDrift() []string {
	if args.Live == nil {
		return nil
	}
	return binding.Drift(*args.Live, args.Bindings, slices.Collect(maps.Keys(args.Secrets))...)
}

// drift names the bindings, settings and the domain that the project does not have as
// wanted, or returns "".
func (args *PagesArgs) drift(now time.Time) string {
	found := "no project"
	if args.Live != nil {
		names := args.bindingDrift()
		if args.Domain != nil && !slices.Contains(args.Live.Domains, args.Domain.Name) {
			names = append(names, "the domain "+args.Domain.Name)
		}
		if len(names) == 0 {
			return ""
		}
		found = "not as wanted: " + strings.Join(names, ", ")
	}
	// With the time, the same drift is a change each time that it happens.
	return fmt.Sprintf("%s (%s)", found, now.UTC().Format(time.RFC3339))
}
