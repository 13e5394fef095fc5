package stack

import (
	"strings"
	"testing"
	"time"

	"portfolio-infra/internal/cloudflare"
)

// newFoundWorker returns a Worker with plain variables, given as NAME=value, and secrets.
func newFoundWorker(sha256 string, vars []string, secrets ...string) *foundWorker {
	w := &foundWorker{sha256: sha256}
	for _, v := range vars {
		name, value, _ := strings.Cut(v, "=")
		w.Bindings = append(w.Bindings, cloudflare.ScriptBinding{Type: "plain_text", Name: name, Text: value})
	}
	for _, name := range secrets {
		w.Bindings = append(w.Bindings, cloudflare.ScriptBinding{Type: "secret_text", Name: name})
	}
	return w
}

func TestUploadNote(t *testing.T) {
	const at = " (2026-06-01T00:00:00Z) rotation 0"
	cfg := &Config{Script: Script{SHA256: "wanted"}, Vars: map[string]string{"MODE": ""}, Secrets: map[string]string{"KEY": "x"}}
	vars := func(note string) []string { return []string{varUpload + "=" + note, varOwner + "=me", "MODE="} }
	for name, test := range map[string]struct {
		found  *foundWorker
		want   string
		reason string
	}{
		"none":                {nil, "wanted made" + at, "there is none"},
		"no drift":            {newFoundWorker("wanted", vars("wanted"), "KEY", varDatabaseURL), "wanted", ""},
		"repaired before":     {newFoundWorker("wanted", vars("wanted made (then)"), "KEY", varDatabaseURL), "wanted made (then)", ""},
		"another script due":  {newFoundWorker("old", vars("old made (then)"), "KEY", varDatabaseURL), "wanted due" + at, "its script is another one"},
		"without a note":      {newFoundWorker("wanted", vars("wanted")[1:], "KEY", varDatabaseURL), "wanted due" + at, "it has no note that its script is this one"},
		"script changed":      {newFoundWorker("other", vars("wanted"), "KEY", varDatabaseURL), "wanted to set: the script" + at, "to set: the script"},
		"variable gone":       {newFoundWorker("wanted", vars("wanted")[:2], "KEY", varDatabaseURL), "wanted to set: MODE" + at, "to set: MODE"},
		"another owner":       {newFoundWorker("wanted", append(vars("wanted")[:1], varOwner+"=you", "MODE="), "KEY", varDatabaseURL), "wanted to set: PULUMI_STACK" + at, "to set: PULUMI_STACK"},
		"secret gone":         {newFoundWorker("wanted", vars("wanted"), varDatabaseURL), "wanted to set: KEY" + at, "to set: KEY"},
		"repaired, and again": {newFoundWorker("wanted", vars("wanted made (then)"), "KEY"), "wanted to set: DATABASE_URL" + at, "to set: DATABASE_URL"},
	} {
		have, reason := uploadNote(cfg, test.found, "me", 0, time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC))
		if have != test.want || reason != test.reason {
			t.Errorf("%s: %q since %q, want %q since %q", name, have, reason, test.want, test.reason)
		}
	}
}
