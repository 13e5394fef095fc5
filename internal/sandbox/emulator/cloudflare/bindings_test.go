package cloudflare_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"portfolio-infra/internal/sandbox/emulator/cloudflare"
)

func TestBindings_refused(t *testing.T) {
	c := newClient(t, &cloudflare.Cloud{})
	c.worker("api", `{"type":"plain_text","name":"V","text":"v"}`)
	for name, tt := range map[string]struct {
		bindings string
		code     int
		message  string
	}{
		"no name":           {`{"type":"inherit"}`, 10052, "Binding at index 0 must have a name."},
		"a name of a digit": {`{"name":"1A","type":"inherit"}`, 10021, "binding 1A of type inherit is invalid"},
		"no type":           {`{"name":"A"}`, 10021, "binding A of type  is unknown"},
		"another type":      {`{"name":"A","type":"ai"}`, 10021, "binding A of type ai is unknown, or not emulated"},
		"no text":           {`{"name":"A","type":"plain_text"}`, 10021, "must have a text specified"},
		"no namespace":      {`{"name":"A","type":"kv_namespace"}`, 10021, "must have a namespace_id specified"},
		"an odd field":      {`{"name":"A","type":"plain_text","text":"a","value":"b"}`, 10021, "value: unknown field"},
		"a hash":            {`{"name":"A","type":"secret_text","text":"a","sealed":"b"}`, 10021, "sealed: unknown field"},
		"a name twice":      {`{"name":"A","type":"json","json":1},{"name":"A","type":"plain_text","text":"a"}`, 10053, "'A' already in use"},
		"no service":        {`{"name":"A","type":"service","service":""}`, 10143, "Target script '' not found"},
		"a missing service": {`{"name":"A","type":"service","service":"nobody"}`, 10143, "service binding 'A'. Target script 'nobody' not found"},
	} {
		t.Run(name, func(t *testing.T) {
			c.refused("PUT", scripts+"/api", upload(`{"main_module":"worker.js","bindings":[`+tt.bindings+`]}`), 400, tt.code, tt.message)
			c.refused("PATCH", scripts+"/api/settings",
				form(part{"settings", "application/json", `{"bindings":[` + tt.bindings + `]}`}), 400, tt.code, tt.message)
		})
	}
	strict := upload(`{"main_module":"worker.js","bindings":[{"type":"inherit","name":"X"}]}`)
	for _, name := range []string{"api", "new"} {
		c.refused("PUT", scripts+"/"+name+"?bindings_inherit=strict", strict, 400, 10057, "inherit binding 'X' is invalid")
	}
}

func TestBindings_upload(t *testing.T) {
	const (
		plain  = `{"type":"plain_text","name":"V","text":"v"}`
		secret = `{"type":"secret_text","name":"S","text":"s"}`
		renew  = `{"type":"secret_text","name":"S","text":"t"}`
	)
	for name, tt := range map[string]struct {
		bindings, more string
		keeps          bool
		want           []string
	}{
		"none":            {"", "", false, nil},
		"two":             {plain + "," + secret, "", false, []string{"V plain_text", "S secret_text"}},
		"inherited":       {`{"type":"inherit","name":"S"},` + plain, "", false, []string{"S secret_text", "V plain_text"}},
		"inherits none":   {`{"type":"inherit","name":"X"}`, "", false, nil},
		"kept":            {"", `,"keep_bindings":["secret_text"]`, false, []string{"S secret_text"}},
		"kept, but named": {renew, `,"keep_bindings":["secret_text","plain_text"]`, false, []string{"S secret_text", "V plain_text"}},
		"all secrets":     {"", "", true, []string{"S secret_text"}},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, &cloudflare.Cloud{KeepSecrets: tt.keeps})
			c.worker("api", plain, secret)
			c.must("PUT", scripts+"/api", upload(`{"main_module":"worker.js","bindings":[`+tt.bindings+`]`+tt.more+`}`))
			var got []string
			for _, b := range dig(c.get(scripts+"/api/settings"), "bindings").([]any) {
				if dig(b, "sealed") != nil || dig(b, "type") == "secret_text" && dig(b, "text") != nil {
					t.Errorf("a secret is shown: %v", b)
				}
				got = append(got, fmt.Sprint(dig(b, "name"), " ", dig(b, "type")))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("the bindings (-want +got):\n%s", diff)
			}
			for name, kept := range c.cloud.Scripts()[0].Secrets {
				if want := map[bool]string{true: "t", false: "s"}[tt.bindings == renew]; !kept.Is(want) {
					t.Errorf("the secret %s is not %s", name, want)
				}
			}
		})
	}
}
