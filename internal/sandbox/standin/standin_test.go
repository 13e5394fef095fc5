package standin

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/property"

	"portfolio-infra/internal/testcheck"
)

const commandURN = resource.URN("urn:pulumi:dev::portfolio::command:local:Command::c")

func inputs(pairs ...string) property.Map {
	m := property.Map{}
	for i := 0; i < len(pairs); i += 2 {
		m = m.Set(pairs[i], property.New(pairs[i+1]))
	}
	return m
}

func TestCommand_life(t *testing.T) {
	c := Command(Process{Dir: t.TempDir(), Environ: []string{"COLOR=blue", "SHAPE=round"}})
	in := inputs("create", `read x; echo "made $x $COLOR"`, "update", `echo "was $PULUMI_COMMAND_STDOUT"`,
		"delete", "printf %s \"$PULUMI_COMMAND_STDOUT\" > gone", "stdin", "thing", "dir", t.TempDir()).
		Set("environment", property.New(map[string]property.Value{"COLOR": property.New("red").WithSecret(true)}))
	preview, err := c.Create(t.Context(), p.CreateRequest{Urn: commandURN, Properties: in.Set("create", property.New("touch gone")), DryRun: true})
	if err != nil || !preview.Properties.Get("stdout").IsComputed() {
		t.Errorf("the preview is %v, %v", preview, err)
	}
	if files, err := os.ReadDir(text(in, "dir")); err != nil || len(files) > 0 {
		t.Errorf("a preview made %v, %v", files, err)
	}
	made, err := c.Create(t.Context(), p.CreateRequest{Urn: commandURN, Properties: in})
	if err != nil {
		t.Fatal(err)
	}
	if have := text(made.Properties, "stdout"); have != "made thing red" {
		t.Errorf("create said %q", have)
	}
	if !made.Properties.Get("environment").AsMap().Get("COLOR").Secret() {
		t.Error("the secret is none any more")
	}
	updated, err := c.Update(t.Context(), p.UpdateRequest{Urn: commandURN, ID: made.ID, Inputs: in, State: made.Properties})
	if err != nil {
		t.Fatal(err)
	}
	if have := text(updated.Properties, "stdout"); have != "was made thing red" {
		t.Errorf("update said %q", have)
	}
	testcheck.Error(t, c.Delete(t.Context(), p.DeleteRequest{Urn: commandURN, ID: made.ID, Properties: updated.Properties}))
	b, err := os.ReadFile(filepath.Join(text(in, "dir"), "gone"))
	if err != nil || string(b) != "was made thing red" {
		t.Errorf("delete wrote %q, %v", b, err)
	}
	_, err = c.Create(t.Context(), p.CreateRequest{Urn: commandURN, Properties: inputs("create", "echo $SHAPE >&2; exit 3")})
	testcheck.Error(t, err, "exit status 3", "round")
}

func TestCommand_cancelled(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	time.AfterFunc(100*time.Millisecond, stop)
	begin := time.Now()
	_, err := Command(Process{}).Create(ctx, p.CreateRequest{Urn: commandURN, Properties: inputs("create", "sleep 60 & wait")})
	if err == nil {
		t.Error("no error")
	}
	if took := time.Since(begin); took > 10*time.Second {
		t.Errorf("it took %s", took)
	}
}

func TestDiff(t *testing.T) {
	old := inputs("a", "1", "b", "2", "name", "x")
	for name, test := range map[string]struct {
		new  property.Map
		want map[string]p.PropertyDiff
	}{
		"same":     {old, map[string]p.PropertyDiff{}},
		"changed":  {old.Set("a", property.New("9")), map[string]p.PropertyDiff{"a": {Kind: p.Update, InputDiff: true}}},
		"added":    {old.Set("c", property.New("3")), map[string]p.PropertyDiff{"c": {Kind: p.Add, InputDiff: true}}},
		"removed":  {old.Delete("b"), map[string]p.PropertyDiff{"b": {Kind: p.Delete, InputDiff: true}}},
		"replaced": {old.Set("name", property.New("y")), map[string]p.PropertyDiff{"name": {Kind: p.UpdateReplace, InputDiff: true}}},
	} {
		r := diff(old, test.new, "name")
		if d := cmp.Diff(test.want, r.DetailedDiff); d != "" || r.HasChanges != (len(test.want) > 0) {
			t.Errorf("%s: changes %t (-want +have):\n%s", name, r.HasChanges, d)
		}
	}
}

func TestProviders_otherTypes(t *testing.T) {
	urn := resource.URN("urn:pulumi:dev::portfolio::cloudflare:index/record:Record::r")
	for _, provider := range []p.Provider{Cloudflare(Process{}), Command(Process{})} {
		_, err := provider.Check(t.Context(), p.CheckRequest{Urn: urn})
		testcheck.Error(t, err, "install the real plugin")
	}
}

// A refresh notices what the real plugin notices, and nothing else.
func TestSettings_over(t *testing.T) {
	variable := func(kind, name, text string) property.Value {
		return property.New(inputs("type", kind, "name", name, "text", text))
	}
	in := inputs("compatibilityDate", "2026-06-01").
		Set("bindings", property.New([]property.Value{variable("plain_text", "A", "1"), variable("secret_text", "S", "hidden")}))
	a, s := binding{"plain_text", "A", "1"}, binding{"secret_text", "S", ""}
	for name, test := range map[string]struct {
		date    string
		live    []binding
		noticed bool
	}{
		"the same":          {"2026-06-01", []binding{a, s}, false},
		"a new variable":    {"2026-06-01", []binding{a, s, {"plain_text", "B", "2"}}, true},
		"a secret's loss":   {"2026-06-01", []binding{a}, true},
		"the date":          {"2026-01-01", []binding{a, s}, true},
		"a variable's text": {"2026-06-01", []binding{{"plain_text", "A", "2"}, s}, false},
		"a variable's loss": {"2026-06-01", []binding{s}, false},
		"another secret":    {"2026-06-01", []binding{a, s, {"secret_text", "T", ""}}, false},
	} {
		live := settings{Bindings: test.live, CompatibilityDate: test.date}
		if r := diff(in, live.over(in, property.Map{})); r.HasChanges != test.noticed {
			t.Errorf("%s: noticed %t, want %t: %+v", name, r.HasChanges, test.noticed, r.DetailedDiff)
		}
	}
}

// The settings of a script are compared as in the real plugin: its plan with the state.
func TestChange(t *testing.T) {
	value := func(text string) property.Value {
		var v any
		testcheck.Error(t, json.Unmarshal([]byte(text), &v))
		return fromJSON(v)
	}
	for name, test := range map[string]struct {
		state, inputs string
		noticed       bool
	}{
		"nothing, by a stand-in of before": {`{}`, `{}`, false},
		"the defaults":                     {`{"logpush":false,"usageModel":"standard"}`, `{}`, false},
		"a setting that is new":            {`{}`, `{"logpush":true}`, true},
		"one that is gone":                 {`{"logpush":true}`, `{}`, true},
		"limits that are empty":            {`{"limits":{}}`, `{}`, true},
		"placement, refreshed":             {`{"placement":{"mode":"smart","status":"SUCCESS"}}`, `{"placement":{"mode":"smart"}}`, false},
		"placement that is gone":           {`{"placement":{"mode":"smart","status":"SUCCESS"}}`, `{}`, false},
		"tail consumers that are gone":     {`{"tailConsumers":[{"service":"a"}]}`, `{}`, false},
		"logs, whose default is added": {`{"observability":{"enabled":true,"logs":{"enabled":true,"persist":true}}}`,
			`{"observability":{"enabled":true,"logs":{"enabled":true}}}`, false},
		"logs, refreshed": {`{"observability":{"enabled":true,"logs":{"enabled":true}}}`, `{"observability":{"enabled":true}}`, true},
	} {
		old, now := change(value(test.state).AsMap(), property.Map{}, value(test.inputs).AsMap())
		if r := diff(old, now); r.HasChanges != test.noticed {
			t.Errorf("%s: noticed %t, want %t: %+v", name, r.HasChanges, test.noticed, r.DetailedDiff)
		}
	}
}

// A refresh overwrites the state with what exists, and keeps the rest.
func TestSettings_recorded(t *testing.T) {
	var live settings
	if err := json.Unmarshal([]byte(`{"logpush":true,"limits":{"cpu_ms":50},"placement":{},"usage_model":"standard","tail_consumers":null,
		"observability":{"enabled":true,"head_sampling_rate":null,"logs":{"enabled":true,"persist":null}}}`), &live); err != nil {
		t.Fatal(err)
	}
	state := inputs("usageModel", "bundled").
		Set("placement", property.New(inputs("mode", "smart"))).
		Set("tailConsumers", property.New([]property.Value{property.New(inputs("service", "a"))})).
		Set("observability", property.New(property.Map{}.Set("headSamplingRate", property.New(0.5))))
	b, err := json.Marshal(toJSON(property.New(live.recorded(state))))
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"limits":{"cpu_ms":50},"logpush":true,"observability":{"enabled":true,"head_sampling_rate":0.5,"logs":{"enabled":true}},` +
		`"tail_consumers":[{"service":"a"}],"usage_model":"standard"}`
	if string(b) != want {
		t.Errorf("recorded %s, want %s", b, want)
	}
}
