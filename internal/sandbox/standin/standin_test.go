package standin

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
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
	if err := c.Delete(t.Context(), p.DeleteRequest{Urn: commandURN, ID: made.ID, Properties: updated.Properties}); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(text(in, "dir"), "gone"))
	if err != nil || string(b) != "was made thing red" {
		t.Errorf("delete wrote %q, %v", b, err)
	}
}

func TestCommand_fails(t *testing.T) {
	_, err := Command(Process{}).Create(t.Context(), p.CreateRequest{Urn: commandURN, Properties: inputs("create", "echo why >&2; exit 3")})
	if err == nil || !strings.Contains(err.Error(), "exit status 3") || !strings.Contains(err.Error(), "why") {
		t.Errorf("the error is %v", err)
	}
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

func TestCommand_preview(t *testing.T) {
	dir := t.TempDir()
	in := inputs("create", "touch here", "dir", dir)
	r, err := Command(Process{}).Create(t.Context(), p.CreateRequest{Urn: commandURN, Properties: in, DryRun: true})
	if err != nil {
		t.Fatal(err)
	}
	if !r.Properties.Get("stdout").IsComputed() {
		t.Error("a preview knows what the command says")
	}
	if _, err := os.Stat(filepath.Join(dir, "here")); err == nil {
		t.Error("a preview ran the command")
	}
}

func TestDiff(t *testing.T) {
	old := inputs("a", "1", "b", "2", "name", "x")
	for name, test := range map[string]struct {
		new  property.Map
		want map[string]p.DiffKind
	}{
		"same":     {old, map[string]p.DiffKind{}},
		"changed":  {old.Set("a", property.New("9")), map[string]p.DiffKind{"a": p.Update}},
		"added":    {old.Set("c", property.New("3")), map[string]p.DiffKind{"c": p.Add}},
		"removed":  {old.Delete("b"), map[string]p.DiffKind{"b": p.Delete}},
		"replaced": {old.Set("name", property.New("y")), map[string]p.DiffKind{"name": p.UpdateReplace}},
	} {
		r := diff(old, test.new, "name")
		if r.HasChanges != (len(test.want) > 0) || len(r.DetailedDiff) != len(test.want) {
			t.Errorf("%s: %+v", name, r)
		}
		for key, kind := range test.want {
			if r.DetailedDiff[key].Kind != kind {
				t.Errorf("%s: %s: %v, want %v", name, key, r.DetailedDiff[key].Kind, kind)
			}
		}
	}
}

func TestProviders_otherTypes(t *testing.T) {
	urn := resource.URN("urn:pulumi:dev::portfolio::cloudflare:index/record:Record::r")
	for name, provider := range map[string]p.Provider{"cloudflare": Cloudflare(Process{}), "command": Command(Process{})} {
		_, err := provider.Check(t.Context(), p.CheckRequest{Urn: urn})
		if err == nil || !strings.Contains(err.Error(), "install the real plugin") {
			t.Errorf("%s: the error is %v", name, err)
		}
	}
}

func TestSettings_over(t *testing.T) {
	variable := func(kind, name, text string) property.Value {
		return property.New(map[string]property.Value{"type": property.New(kind), "name": property.New(name), "text": property.New(text)})
	}
	in := property.Map{}.
		Set("bindings", property.New([]property.Value{variable("plain_text", "A", "1"), variable("secret_text", "S", "hidden")})).
		Set("compatibilityDate", property.New("2026-06-01"))
	same := settings{Bindings: []binding{{"plain_text", "A", "1"}, {"secret_text", "S", ""}}, CompatibilityDate: "2026-06-01"}
	if r := diff(in, same.over(in)); r.HasChanges {
		t.Errorf("what is as it was is shown as a change: %+v", r.DetailedDiff)
	}
	for name, other := range map[string]settings{
		"a new variable":  {Bindings: append(same.Bindings, binding{"plain_text", "B", "2"}), CompatibilityDate: "2026-06-01"},
		"a secret's loss": {Bindings: []binding{{"plain_text", "A", "1"}}, CompatibilityDate: "2026-06-01"},
		"the date":        {Bindings: same.Bindings, CompatibilityDate: "2026-01-01"},
	} {
		if r := diff(in, other.over(in)); !r.HasChanges {
			t.Errorf("%s is not seen", name)
		}
	}
	for name, other := range map[string]settings{
		"a variable's text": {Bindings: []binding{{"plain_text", "A", "2"}, {"secret_text", "S", ""}}, CompatibilityDate: "2026-06-01"},
		"a variable's loss": {Bindings: []binding{{"secret_text", "S", ""}}, CompatibilityDate: "2026-06-01"},
		"another secret":    {Bindings: append(same.Bindings, binding{"secret_text", "T", ""}), CompatibilityDate: "2026-06-01"},
	} {
		if r := diff(in, other.over(in)); r.HasChanges {
			t.Errorf("%s is seen, which the real plugin does not see", name)
		}
	}
}
