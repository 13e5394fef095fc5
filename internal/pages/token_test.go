package pages

import (
	"encoding/base64"
	"testing"
	"time"
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
		if got := claimsOf(tt.token); got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
	}
}

func TestClaims_expired(t *testing.T) {
	at := time.Unix(1000, 0)
	for _, tt := range []struct {
		name    string
		expires int64
		want    bool
	}{{"later", 1001, false}, {"now", 1000, true}, {"before", 999, true}, {"never", 0, false}} {
		if got := (claims{Expires: tt.expires}).expired(at); got != tt.want {
			t.Errorf("%s: %t", tt.name, got)
		}
	}
}
