package stack

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/pulumi/pulumi-command/sdk/go/command/local"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumix"

	"portfolio-infra/internal/binding"
	"portfolio-infra/internal/bundle"
	cfapi "portfolio-infra/internal/cloudflare"
	"portfolio-infra/internal/deployment"
)

// Site is the folder that the Pages project serves.
type Site struct {
	// Folder is relative to the project's folder, so that the state is the same on every
	// machine.
	Folder string
	// Digest changes with everything that a deployment has of the folder.
	Digest string
	// Functions, FunctionsEnv and PublicFiles are as in [deployment.Folder].
	Functions    string
	FunctionsEnv []string
	PublicFiles  []string
	// Shrink permits a site that has lost most of its files.
	Shrink bool
	// Content is what the folder has.
	Content *deployment.Site

	wranglerFiles []string // what is said of them
}

// SiteArgs are the inputs of [newSite].
type SiteArgs struct {
	Site
	// Flags are the compatibility flags of the Functions.
	Flags []string
	// Settings changes with what a deployment takes from the project.
	Settings pulumi.StringOutput
	// Overwrite permits replacing the deployment of somebody else.
	Overwrite  bool
	CommandEnv pulumi.StringMap
	Cloudflare *cfapi.Client
	Live       *cfapi.Project // nil if there is none
	// OwnerName is the owner, or "" in a preview that does not know it yet.
	OwnerName string
	Owner     pulumi.StringOutput
}

// checkOwner refuses a project that serves the deployment of somebody else.
func (args *SiteArgs) checkOwner(ctx context.Context) error {
	if args.Live == nil || args.Overwrite || args.OwnerName == "" {
		return nil
	}
	return deployment.CheckConflict(*args.Live, args.OwnerName)
}

// newSite declares the command that deploys the site, and returns its last result.
//
// It runs after bind, since a binding serves from the next deployment on. The request
// goes to standard input, so a change of the content or of the project's settings is an
// update in place. For the drift mark see [newBinding].
//
// Deployments go with the project alone: one that is replaced or taken out leaves them, as
// others may have made some. The delete command of states deletes nothing.
func newSite(ctx *pulumi.Context, p *Pages, args *SiteArgs) (pulumi.MapOutput, error) {
	outdated, err := p.outdates(ctx, args.Live)
	if err != nil {
		return pulumi.MapOutput{}, err
	}
	drift := args.drift(outdated, time.Now())
	environment := pulumi.StringMap{deployment.EnvDrift: pulumi.String("")}
	if drift != "" {
		reason := ""
		if args.Live != nil {
			reason = fmt.Sprintf("the site is deployed again: the Pages project %q serves %s", args.Live.Name, drift)
		}
		mark, err := unknownInPreview(ctx, drift, reason)
		if err != nil {
			return pulumi.MapOutput{}, err
		}
		environment[deployment.EnvDrift] = mark
	}
	for name, value := range args.CommandEnv {
		environment[name] = value
	}
	opts := []pulumi.ResourceOption{
		pulumi.Parent(p),
		pulumi.DependsOn([]pulumi.Resource{p.bind}),
		// So a destroy needs neither the program nor the token, as with the bindings.
		pulumi.DeletedWith(p.Project),
	}
	if drift == "" {
		opts = append(opts, pulumi.IgnoreChanges([]string{"environment." + deployment.EnvDrift}))
	}
	// The settings come first, since only a wait tells what they depend on, and there is none
	// behind what a preview does not know. A plan holds the dependencies too.
	request := pulumix.Apply4Err(args.Settings, p.Project.Name, p.createdOn, args.Owner, args.request)
	command, err := local.NewCommand(ctx, "site", &local.CommandArgs{
		Create:      pulumi.String(deployment.Command("deploy")),
		Update:      pulumi.String(deployment.Command("deploy")),
		Delete:      pulumi.String(deployment.Command("undeploy")),
		Stdin:       pulumix.Cast[pulumi.StringOutput](request),
		Environment: environment,
		Logging:     local.LoggingStderr,
	}, opts...)
	if err != nil {
		return pulumi.MapOutput{}, err
	}
	// The result is no secret, but a secret in the environment makes it one.
	stdout := pulumi.Unsecret(command.Stdout).(pulumi.StringOutput)
	return pulumix.Cast[pulumi.MapOutput](pulumix.ApplyErr(stdout, deployResult)), nil
}

// request returns the standard input of the deploy command.
func (args *SiteArgs) request(settings, project, createdOn, owner string) (string, error) {
	b, err := json.Marshal(deployment.Request{
		AccountID: args.Cloudflare.AccountID,
		Project:   project,
		CreatedOn: createdOn,
		Owner:     owner,
		Site:      args.Folder,
		Digest:    args.Digest,
		Flags:     args.Flags,
		Settings:  settings,
		Overwrite: args.Overwrite,

		Functions:    args.Functions,
		FunctionsEnv: args.FunctionsEnv,
		PublicFiles:  args.PublicFiles,
	})
	return string(b), err
}

// deployResult reads the standard output of the deploy command.
func deployResult(line string) (map[string]any, error) {
	var result map[string]any
	if err := json.Unmarshal([]byte(line), &result); err != nil {
		return nil, fmt.Errorf("reading the output of portfolio deploy: %w", err)
	}
	return result, nil
}

// drift says what production serves in place of a deployment of this stack that has the
// bindings, or returns "". A binding serves from the next deployment on, and a run may set
// it without the site, or after it (--target, --exclude).
func (args *SiteArgs) drift(outdated bool, now time.Time) string {
	found := "no deployment"
	if args.Live != nil && args.Live.CanonicalDeployment != nil {
		serving := *args.Live.CanonicalDeployment
		switch {
		case args.OwnerName == "":
			return ""
		case !deployment.IsOurs(serving, args.OwnerName):
			found = fmt.Sprintf("a deployment that this stack did not make: %s of %s", serving.ID, serving.CreatedOn)
		case outdated:
			found = "a deployment that is older than its bindings"
		default:
			return ""
		}
	}
	// With the time, the same drift is a change each time that it happens.
	return fmt.Sprintf("%s (%s)", found, now.UTC().Format(time.RFC3339))
}

// site reads the folder that the Pages project is to serve. There is none by default.
func (r *reader) site(key string, runtime bundle.Runtime) *Site {
	folder := r.text(key)
	s := &Site{
		Functions:    r.functions("functions"),
		FunctionsEnv: r.variableNames("functionsEnv"),
		PublicFiles:  object[[]string](r, "publicFiles", "a list of paths in the site"),
		Shrink:       r.boolean("shrinkSite"),
	}
	if folder == "" {
		return nil
	}
	s.Folder = filepath.ToSlash(filepath.Clean(folder))
	err := checkSitePath(r.program.Dir, folder)
	if err == nil {
		s.Content, err = deployment.Read(r.ctx.Context(), deployment.Folder{
			Site:         filepath.Join(r.program.Dir, folder),
			Functions:    r.below(s.Functions),
			FunctionsEnv: s.FunctionsEnv,
			Public:       s.PublicFiles,
			Runtime:      runtime,
		})
	}
	if err == nil {
		defer s.Content.Close()
		s.Digest = s.Content.Digest
		for _, file := range deployment.WranglerFiles(r.program.Dir, s.Folder) {
			s.wranglerFiles = append(s.wranglerFiles, key+": "+file)
		}
		err = errors.Join(r.sayFunctions(s.Folder, s.Content), s.say(r.ctx, key))
	}
	if err != nil {
		r.siteProblems(key, folder, err)
	}
	return s
}

// siteVariables returns the plain and secret variables of the Functions.
func (r *reader) siteVariables(bound binding.Wanted) (vars, secrets map[string]string) {
	return r.variables("siteVars", "siteSecrets", func(name string) error {
		_, production := bound.Bindings[name]
		_, preview := bound.Preview[name]
		if production || preview {
			return fmt.Errorf("%s is the name of a binding; choose another name", name)
		}
		return checkVar(name)
	})
}

// newDigestKey declares the key by which a run knows that secrets are as the last one set
// them. The state keeps it as a secret. Without need there is none.
func newDigestKey(ctx *pulumi.Context, need bool) (pulumi.StringOutput, error) {
	if !need {
		return pulumi.String("").ToStringOutput(), nil
	}
	random, err := unknownInPreview(ctx, rand.Text(), "")
	if err != nil {
		return pulumi.StringOutput{}, err
	}
	stash, err := pulumi.NewStash(ctx, "digest-key", &pulumi.StashArgs{
		Input: pulumi.ToSecret(random),
	}, pulumi.IgnoreChanges([]string{"input"}), pulumi.AdditionalSecretOutputs([]string{"output"}))
	if err != nil {
		return pulumi.StringOutput{}, err
	}
	return stashedText(stash), nil
}
