package stack

import (
	"maps"
	"net/http"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"portfolio-infra/internal/cloudflare"
	"portfolio-infra/internal/testcheck"
)

func TestCheckNewWorker(t *testing.T) {
	for owner, want := range map[string][]string{"": {importWorker}, "me": nil, "you": {importWorker}} {
		a := newAccount(t)
		testcheck.Error(t, checkNewWorker(t.Context(), a.client(), "api", "me"))
		a.UploadWorker("api", owner)
		testcheck.Error(t, checkNewWorker(t.Context(), a.client(), "api", "me"), want...)
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
	a.UploadWorker("api", "me")
	for _, name := range []string{"KEY", "OTHER", "MANUAL", "MODE"} {
		a.Call(http.MethodPut, "/workers/scripts/api/secrets", `{"type":"secret_text","name":"`+name+`","text":"hidden"}`)
	}
	before := newFoundWorker("", []string{"MODE="}, "KEY", "GONE", "OTHER").Script
	now := newFoundWorker("", nil, "OTHER").Script
	for range 2 { // the second time as after a kill
		if err := removeSecrets(t.Context(), a.client(), "api", before, now); err != nil {
			t.Fatal(err)
		}
	}
	if have := slices.Sorted(maps.Keys(a.Cloud.Scripts()[0].Secrets)); !slices.Equal(have, []string{"MANUAL", "MODE", "OTHER"}) {
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
