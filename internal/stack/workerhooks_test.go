package stack

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

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

func TestIsForeign(t *testing.T) {
	for name, test := range map[string]struct {
		found    *foundWorker
		recorded string
		want     bool
	}{
		"the wanted script":           {newFoundWorker("wanted", nil), "", false},
		"our last upload":             {newFoundWorker("old", []string{varUpload + "=old made (then)"}), "", false},
		"wrangler deploy":             {newFoundWorker("other", nil), "other", true},
		"wrangler deploy, vars kept":  {newFoundWorker("other", []string{varUpload + "=old", varOwner + "=me"}), "other", true},
		"ours, of an early version":   {newFoundWorker("old", []string{varOwner + "=me"}), "old", false},
		"changed after early version": {newFoundWorker("other", []string{varOwner + "=me"}), "old", true},
	} {
		if have := isForeign(test.found, "wanted", "me", test.recorded); have != test.want {
			t.Errorf("%s: %t", name, have)
		}
	}
}

// A secret of ours that is removed from the config goes. One of somebody else stays, also
// under the name of a plain variable of ours.
func TestRemoveSecrets(t *testing.T) {
	a := newAccount(t)
	a.uploadWorker("api", "me")
	for _, name := range []string{"KEY", "OTHER", "MANUAL", "MODE"} {
		a.byHand(http.MethodPut, "/workers/scripts/api/secrets", "application/json", `{"type":"secret_text","name":"`+name+`","text":"hidden"}`)
	}
	before := newFoundWorker("", []string{"MODE="}, "KEY", "GONE", "OTHER").Script
	now := newFoundWorker("", nil, "OTHER").Script
	for range 2 { // the second time as after a kill
		if err := removeSecrets(t.Context(), a.client(), "api", before, now); err != nil {
			t.Fatal(err)
		}
	}
	if have := slices.Sorted(maps.Keys(a.cloud.Scripts()[0].Secrets)); !slices.Equal(have, []string{"MANUAL", "MODE", "OTHER"}) {
		t.Errorf("secrets: %v", have)
	}
}

func TestDeclaredScript(t *testing.T) {
	text := resource.NewStringProperty
	variable := func(value resource.PropertyValue) resource.PropertyValue {
		return resource.NewObjectProperty(resource.PropertyMap{"type": text("plain_text"), "name": text("A"), "text": value})
	}
	for name, test := range map[string]struct {
		binding resource.PropertyValue
		want    string
	}{
		"plain":      {variable(text("me")), "me"},
		"secret":     {variable(resource.MakeSecret(text("me"))), "me"},
		"output":     {variable(resource.NewOutputProperty(resource.Output{Element: text("me"), Known: true, Secret: true})), "me"},
		"all secret": {resource.MakeSecret(variable(text("me"))), "me"},
		"no text":    {variable(resource.MakeSecret(resource.NewNumberProperty(1))), ""},
	} {
		inputs := resource.PropertyMap{"bindings": resource.NewArrayProperty([]resource.PropertyValue{test.binding})}
		want := cloudflare.Script{Bindings: []cloudflare.ScriptBinding{{Type: "plain_text", Name: "A", Text: test.want}}}
		if diff := cmp.Diff(want, declaredScript(inputs)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if have := declaredScript(resource.PropertyMap{}); have.Bindings != nil {
		t.Errorf("without bindings: %v", have)
	}
}
