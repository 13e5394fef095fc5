package pages

import (
	"encoding/base64"
	"testing"
)

// jwt returns a token with claims.
func jwt(payload string) string {
	return "e30." + base64.RawURLEncoding.EncodeToString([]byte(payload)) + ".c2ln"
}

func TestClaimsOf(t *testing.T) {
	for _, tt := range []struct {
		name, token string
		want        claims
	}{
		{"both", jwt(`{"max_file_count_allowed":100000,"exp":1800000000}`), claims{100_000, 1_800_000_000}},
		{"none", jwt(`{"sub":"ä?>"}`), claims{MaxFiles: maxAssets}},
		{"null", jwt(`{"max_file_count_allowed":null}`), claims{MaxFiles: maxAssets}},
		{"another type", jwt(`{"max_file_count_allowed":"many"}`), claims{MaxFiles: maxAssets}},
		{"no JSON", jwt(`x`), claims{MaxFiles: maxAssets}},
		{"no base64", "e30.!.c2ln", claims{MaxFiles: maxAssets}},
		{"opaque", "token", claims{MaxFiles: maxAssets}},
		{"empty", "", claims{MaxFiles: maxAssets}},
	} {
		equal(t, tt.name, claimsOf(tt.token), tt.want)
	}
}
