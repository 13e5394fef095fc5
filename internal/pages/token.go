package pages

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"
)

// maxAssets is the number of files that a site may have unless the upload token says
// otherwise.
// https://developers.cloudflare.com/pages/platform/limits/#files
const maxAssets = 20_000

// claims are what an upload token, which is a JWT, says.
type claims struct {
	// MaxFiles is the number of files that the account's plan allows.
	MaxFiles int   `json:"max_file_count_allowed"`
	Expires  int64 `json:"exp"` // seconds since 1970
}

// claimsOf reads an upload token. One that cannot be read allows [maxAssets] files.
func claimsOf(token string) claims {
	none := claims{MaxFiles: maxAssets}
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return none
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	c := none
	if err != nil || json.Unmarshal(payload, &c) != nil {
		return none
	}
	return c
}

// expired reports whether the token has expired at a time.
func (c claims) expired(at time.Time) bool { return c.Expires != 0 && c.Expires <= at.Unix() }
