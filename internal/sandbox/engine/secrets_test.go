package engine

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCollectSecrets(t *testing.T) {
	secret := func(plaintext string) string {
		b, err := json.Marshal(map[string]string{signatureKey: secretSignature, "plaintext": plaintext})
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	for _, tt := range []struct {
		name, state string
		want        []string
	}{
		{"none", `{"resources":[{"inputs":{"name":"plain"}}]}`, nil},
		{"text", `[` + secret(`"hunter2"`) + `]`, []string{"hunter2"}},
		{"object", `[` + secret(`{"A":"a","B":["b"]}`) + `]`, []string{"a", "b"}},
		{"request of a command", `[` + secret(`"{\"secrets\":{\"A\":\"a\"}}"`) + `]`, []string{"a", `{"secrets":{"A":"a"}}`}},
		{"another signature", `{"` + signatureKey + `":"c44067f5952c0a294b673a41bacd8c17","text":"asset"}`, nil},
	} {
		var state any
		if err := json.Unmarshal([]byte(tt.state), &state); err != nil {
			t.Fatal(err)
		}
		found := map[string]bool{}
		collectSecrets(state, found)
		have := slices.Sorted(maps.Keys(found))
		if diff := cmp.Diff(tt.want, have); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
}
