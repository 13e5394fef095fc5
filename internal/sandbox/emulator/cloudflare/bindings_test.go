package cloudflare_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"portfolio-infra/internal/sandbox/emulator/cloudflare"
)

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
