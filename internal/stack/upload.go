package stack

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// The Cloudflare provider uploads the script with every change of the Worker, and sees
// what was changed by hand only in a refresh. So each upload leaves a note of itself in
// a plain variable, varUpload: the hash of the content, why it was uploaded and when. A
// run that finds the note of the content that is wanted, and nothing else to set,
// declares the variable as it stands, and so changes nothing. Else it declares a new
// note, which is an update: seen in the preview, and an upload. No two notes are the
// same, so the state never has the new one already.
//
// The note is in the cloud alone, so a run that is killed leaves none that is wrong.

// uploadNote is the value of varUpload that this run declares.
func (l live) uploadNote(cfg Config, owner string, now time.Time) string {
	why := "made"
	if l.worker != nil {
		note := l.worker.Var(varUpload)
		differs := l.differs(cfg, owner)
		switch {
		case uploaded(note) != cfg.Script.SHA256:
			why = "due"
		case len(differs) == 0:
			return note
		default:
			why = "to set: " + strings.Join(differs, ", ")
		}
	}
	return fmt.Sprintf("%s %s (%s)", cfg.Script.SHA256, why, now.UTC().Format(time.RFC3339Nano))
}

// uploaded is the hash in a note.
func uploaded(note string) string {
	hash, _, _ := strings.Cut(note, " ")
	return hash
}

// differs names what the Worker does not hold as wanted: changed by hand, or new in the
// config. Of a secret the API tells no more than that it is there.
func (l live) differs(cfg Config, owner string) []string {
	var changed []string
	if l.content != cfg.Script.SHA256 {
		changed = append(changed, "the script")
	}
	vars := maps.Clone(cfg.Vars)
	if vars == nil {
		vars = map[string]string{}
	}
	vars[varOwner] = owner
	for _, name := range slices.Sorted(maps.Keys(vars)) {
		if !l.worker.Has("plain_text", name) || l.worker.Var(name) != vars[name] {
			changed = append(changed, name)
		}
	}
	for _, name := range append(slices.Sorted(maps.Keys(cfg.Secrets)), varDatabaseURL) {
		if !l.worker.Has("secret_text", name) {
			changed = append(changed, name)
		}
	}
	return changed
}

// foreign tells whether the Worker runs a script that this stack did not upload. before
// is the hash that the state has; it counts for a Worker of ours without a note, made by
// a version that left none.
func (l live) foreign(cfg Config, owner, before string) bool {
	if l.worker == nil || l.content == cfg.Script.SHA256 {
		return false
	}
	note := l.worker.Var(varUpload)
	if note == "" {
		return l.content != before || l.worker.Var(varOwner) != owner
	}
	return l.content != uploaded(note)
}

// beforeUpload runs before an update of the Worker, in a preview too. It refuses to
// write over somebody else's script, and says which bindings go that are not ours.
func beforeUpload(ctx *pulumi.Context, cfg Config, l live) pulumi.ResourceHookFunction {
	return func(args *pulumi.ResourceHookArgs) error {
		if !ctx.DryRun() {
			// The cluster and its users came first, which may have taken minutes.
			var err error
			if l, err = look(ctx.Context(), cfg); err != nil {
				return err
			}
		}
		before, _ := plain(args.OldInputs["contentSha256"]).V.(string)
		if !cfg.OverwriteWorker && l.foreign(cfg, declaredOwner(args.NewInputs), before) {
			return fmt.Errorf("the Worker %q runs a script that this stack did not upload (wrangler deploy, the dashboard?), and was left as it is: "+
				"point the config key workerScript at the file of that script, or to write over it run `pulumi config set overwriteWorker true`, "+
				"and take the key out after that run", cfg.Worker)
		}
		if l.worker == nil {
			return nil
		}
		ours := append(bindingNames(args.OldInputs), bindingNames(args.NewInputs)...)
		var others []string
		for _, b := range l.worker.Bindings {
			if !slices.Contains(keptBindings, b.Type) && !slices.Contains(ours, b.Name) {
				others = append(others, fmt.Sprintf("%s (%s)", b.Name, b.Type))
			}
		}
		if len(others) == 0 {
			return nil
		}
		return ctx.Log.Warn(fmt.Sprintf("the Worker %q has bindings that are not this stack's, and this update takes them away: %s; "+
			"a variable stays if it is in the config key vars", cfg.Worker, strings.Join(others, ", ")), nil)
	}
}

// keptBindings are the types of bindings that an upload leaves on the Worker where it
// does not name them. What it does without is told in two ways: a script upload always
// kept secrets, or it replaces all bindings. So it is said, and what is ours is removed
// by [afterUpload].
// https://github.com/cloudflare/workers-sdk/pull/5296
// https://github.com/alchemy-run/alchemy/pull/1452
var keptBindings = []string{"secret_text", "secret_key"}

// afterUpload removes the secrets that were taken out of the config. Where it is killed
// the next run is at the same point again, since the engine saves the state after it.
// Where the API refuses, the state is saved all the same, so the error says what is left
// to do. (Before the upload, a secret would be gone that a script which cannot be
// replaced still needs.)
// https://github.com/pulumi/pulumi/blob/v3.256.0/pkg/resource/deploy/step.go
func afterUpload(ctx context.Context, cfg Config) pulumi.ResourceHookFunction {
	return func(args *pulumi.ResourceHookArgs) error {
		client := cfg.Cloudflare.client(cfg.AccountID)
		stay := bindingNames(args.NewInputs)
		for _, name := range bindingNames(args.OldInputs, "secret_text") {
			if slices.Contains(stay, name) {
				continue
			}
			if err := client.DeleteSecret(ctx, cfg.Worker, name); err != nil {
				return fmt.Errorf("removing %s, which is no longer in the config, from the Worker %q (or run `wrangler secret delete %s --name %s`): %w",
					name, cfg.Worker, name, cfg.Worker, err)
			}
		}
		return nil
	}
}

// bindingNames are the names of a Worker's bindings among its inputs, of these types or
// of all.
func bindingNames(inputs resource.PropertyMap, types ...string) []string {
	var names []string
	eachBinding(inputs, func(name string, b resource.PropertyMap) {
		if kind, _ := plain(b["type"]).V.(string); len(types) == 0 || slices.Contains(types, kind) {
			names = append(names, name)
		}
	})
	return names
}
