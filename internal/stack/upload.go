package stack

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"portfolio-infra/internal/cloudflare"
)

// The Cloudflare provider uploads the script with every change of the Worker, and sees
// drift only in a refresh. So each upload leaves a note in a plain variable, varUpload:
// the hash of the content, the reason, the time and the step of the rotation. A run that finds the note of the
// wanted content, and no drift, declares the variable as it is, and so changes nothing.
// Otherwise it declares a new note, which is an update, seen in the preview, and an
// upload. No two notes are the same, so the state never has the new one already.
//
// Only the cloud has the note, so a killed run leaves none that is wrong.

// newNote declares varUpload. A new note is unknown in a preview, which says the reason.
func (args *WorkerArgs) newNote(ctx *pulumi.Context) pulumi.StringOutput {
	return args.Owner.ApplyT(func(owner string) (pulumi.StringOutput, error) {
		note, reason := args.uploadNote(owner, time.Now())
		if reason == "" {
			return pulumi.String(note).ToStringOutput(), nil
		}
		return unknownInPreview(ctx, note, fmt.Sprintf("the Worker %q is uploaded: %s", args.Name, reason))
	}).(pulumi.StringOutput)
}

// uploadNote returns the value of varUpload that this run declares, and the reason for it
// if it is not the one that the Worker has.
func (args *WorkerArgs) uploadNote(owner string, now time.Time) (note, reason string) {
	why := "due"
	if args.Live == nil {
		why, reason = "made", "there is none"
	} else {
		note, drift := args.Live.Var(varUpload), args.drift(owner)
		switch {
		case args.Live.sha256 != args.Script.SHA256 && uploadedHash(note) != args.Script.SHA256:
			reason = "its script is another one"
		case uploadedHash(note) != args.Script.SHA256:
			reason = "it has no note that its script is this one"
		case len(drift) == 0:
			return note, ""
		default:
			why = "to set: " + strings.Join(drift, ", ")
			reason = why
		}
	}
	return fmt.Sprintf("%s %s (%s) rotation %d", args.Script.SHA256, why, now.UTC().Format(time.RFC3339Nano), args.Rotation), reason
}

// uploadedHash returns the hash in a note.
func uploadedHash(note string) string {
	hash, _, _ := strings.Cut(note, " ")
	return hash
}

// stepPattern matches the end of a note that has the step of the rotation. Earlier versions
// wrote none.
var stepPattern = regexp.MustCompile(`\) rotation (\d{1,9})$`)

// notedStep returns the step of the rotation in a note.
func notedStep(note string) (step int, ok bool) {
	found := stepPattern.FindStringSubmatch(note)
	if found == nil {
		return 0, false
	}
	step, err := strconv.Atoi(found[1])
	return step, err == nil
}

// drift names what the Worker does not have as wanted: changed by hand, or new in the
// config. Of a secret the API returns only the name.
func (args *WorkerArgs) drift(owner string) []string {
	var names []string
	if args.Live.sha256 != args.Script.SHA256 {
		names = append(names, "the script")
	}
	vars := map[string]string{varOwner: owner}
	maps.Copy(vars, args.plainVars())
	for _, name := range slices.Sorted(maps.Keys(vars)) {
		if !args.Live.Has("plain_text", name) || args.Live.Var(name) != vars[name] {
			names = append(names, name)
		}
	}
	for _, name := range append(slices.Sorted(maps.Keys(args.Secrets)), varDatabaseURL) {
		if !args.Live.Has("secret_text", name) {
			names = append(names, name)
		}
	}
	return names
}

// conflicts reports whether the Worker runs a script that this stack did not upload.
// recorded is the state's hash; it counts for a Worker of ours without a note, which an
// early version uploaded.
func (args *WorkerArgs) conflicts(live *liveWorker, owner, recorded string) bool {
	if live == nil || live.sha256 == args.Script.SHA256 {
		return false
	}
	note := live.Var(varUpload)
	if note == "" {
		return live.sha256 != recorded || !owns(owner, &live.Script)
	}
	return live.sha256 != uploadedHash(note)
}

// keptBindings are the types of bindings that an upload leaves on the Worker if it does
// not name them. Sources differ on what an upload without them does: it keeps secrets, or
// it replaces all bindings. So they are stated, and [WorkerArgs.removeSecrets] removes
// those that were ours.
// https://github.com/cloudflare/workers-sdk/pull/5296
// https://github.com/alchemy-run/alchemy/pull/1452
var keptBindings = []string{"secret_text", "secret_key"}

// beforeUpdate refuses to overwrite somebody else's script, and warns of bindings that
// the upload removes and that are not ours.
func (args *WorkerArgs) beforeUpdate(ctx *pulumi.Context) pulumi.ResourceHookFunction {
	return func(hook *pulumi.ResourceHookArgs) error {
		live := args.Live
		if !ctx.DryRun() {
			// The cluster and its users came first, which may have taken minutes.
			var err error
			if live, err = readWorker(ctx.Context(), args.Cloudflare, args.Name); err != nil {
				return err
			}
		}
		before, now := declaredScript(hook.OldInputs), declaredScript(hook.NewInputs)
		recorded, _ := unwrap(hook.OldInputs["contentSha256"]).V.(string)
		if !args.Overwrite && args.conflicts(live, now.Var(varOwner), recorded) {
			return fmt.Errorf("the Worker %q runs a script that this stack did not upload (by wrangler deploy or the dashboard); it was not changed: "+
				"set the config key workerScript to the file of that script, or, to overwrite it, run `pulumi config set overwriteWorker true` "+
				"and remove the key after the next run", args.Name)
		}
		if live == nil {
			return nil
		}
		if err := args.sayTakenOver(ctx, live, hook.OldInputs, hook.NewInputs); err != nil {
			return err
		}
		var others []string
		for _, b := range live.Bindings {
			if !slices.Contains(keptBindings, b.Type) && !hasBinding(before, b.Name) && !hasBinding(now, b.Name) {
				others = append(others, fmt.Sprintf("%s (%s)", b.Name, b.Type))
			}
		}
		if len(others) == 0 {
			return nil
		}
		return ctx.Log.Warn(fmt.Sprintf("the Worker %q has bindings that are not this stack's, and this update removes them: %s; "+
			"to keep a variable, put it in the config key vars", args.Name, strings.Join(others, ", ")), nil)
	}
}

// hasBinding reports whether a script has a binding of the name, of any type.
func hasBinding(script cloudflare.Script, name string) bool {
	return slices.ContainsFunc(script.Bindings, func(b cloudflare.ScriptBinding) bool { return b.Name == name })
}

// declaredScript returns the bindings among a Worker's inputs. The provider makes the
// text of each variable a secret, and a hook gets it as such.
func declaredScript(inputs resource.PropertyMap) (script cloudflare.Script) {
	text := func(v resource.PropertyValue) string { s, _ := unwrap(v).V.(string); return s }
	bindings, _ := unwrap(inputs["bindings"]).V.([]resource.PropertyValue)
	for _, b := range bindings {
		o, _ := unwrap(b).V.(resource.PropertyMap)
		script.Bindings = append(script.Bindings, cloudflare.ScriptBinding{Type: text(o["type"]), Name: text(o["name"]), Text: text(o["text"])})
	}
	return script
}

// unwrap returns the value inside of secrets and outputs.
func unwrap(v resource.PropertyValue) resource.PropertyValue {
	for {
		switch {
		case v.IsSecret():
			v = v.SecretValue().Element
		case v.IsOutput():
			v = v.OutputValue().Element
		default:
			return v
		}
	}
}
