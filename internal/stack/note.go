package stack

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// The Cloudflare provider uploads the script with every change of the Worker, and sees
// drift only in a refresh. So each upload leaves a note in a plain variable, varUpload:
// the hash of the content, the reason, the time and the step of the rotation. A run that
// finds the note of the wanted content, and no drift, declares the variable as it is, and
// so changes nothing. Otherwise it declares a new note, which is an update, seen in the
// preview, and an upload. No two notes are the same, so the state never has the new one
// already.
//
// Only the cloud has the note, so a killed run leaves none that is wrong.

// newNote declares varUpload. A new note is unknown in a preview, which says the reason.
func newNote(ctx *pulumi.Context, cfg *Config, found *foundWorker, owner pulumi.StringOutput, step int) pulumi.StringOutput {
	return owner.ApplyT(func(owner string) (pulumi.StringOutput, error) {
		note, reason := uploadNote(cfg, found, owner, step, time.Now())
		if reason == "" {
			return pulumi.String(note).ToStringOutput(), nil
		}
		return unknownInPreview(ctx, note, fmt.Sprintf("the Worker %q is uploaded: %s", cfg.Worker, reason))
	}).(pulumi.StringOutput)
}

// uploadNote returns the value of varUpload that this run declares, and the reason for it
// if it is not the one that the Worker has.
func uploadNote(cfg *Config, found *foundWorker, owner string, step int, now time.Time) (note, reason string) {
	why := "due"
	if found == nil {
		why, reason = "made", "there is none"
	} else {
		note, drift := found.Var(varUpload), workerDrift(cfg, found, owner, step)
		switch {
		case found.sha256 != cfg.Script.SHA256 && uploadedHash(note) != cfg.Script.SHA256:
			reason = "its script is another one"
		case uploadedHash(note) != cfg.Script.SHA256:
			reason = "it has no note that its script is this one"
		case len(drift) == 0:
			return note, ""
		default:
			why = "to set: " + strings.Join(drift, ", ")
			reason = why
		}
	}
	return fmt.Sprintf("%s %s (%s) rotation %d", cfg.Script.SHA256, why, now.UTC().Format(time.RFC3339Nano), step), reason
}

// workerDrift names what the Worker does not have as wanted: changed by hand, or new in the
// config. Of a secret the API returns only the name.
func workerDrift(cfg *Config, found *foundWorker, owner string, step int) []string {
	var names []string
	if found.sha256 != cfg.Script.SHA256 {
		names = append(names, "the script")
	}
	vars := plainVars(cfg, step)
	vars[varOwner] = owner
	for _, name := range slices.Sorted(maps.Keys(vars)) {
		if !found.Has("plain_text", name) || found.Var(name) != vars[name] {
			names = append(names, name)
		}
	}
	for _, name := range append(slices.Sorted(maps.Keys(cfg.Secrets)), varDatabaseURL) {
		if !found.Has("secret_text", name) {
			names = append(names, name)
		}
	}
	return names
}

// plainVars returns the variables that do not depend on the owner.
func plainVars(cfg *Config, step int) map[string]string {
	vars := map[string]string{}
	maps.Copy(vars, cfg.Vars)
	if step > 0 {
		vars[varRotation] = strconv.Itoa(step)
	}
	return vars
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
