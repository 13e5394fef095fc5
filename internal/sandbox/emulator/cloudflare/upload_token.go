package cloudflare

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// uploadTokenTime is how long an upload token is valid (assumed).
const uploadTokenTime = 30 * time.Minute

// maxFiles is the number of files that a site may have on the free plan.
// https://developers.cloudflare.com/pages/platform/limits/#files
const maxFiles = 20_000

// uploadClaims are the claims of an upload token. Only exp and
// max_file_count_allowed are known, since wrangler reads them.
// https://github.com/cloudflare/workers-sdk/blob/main/packages/wrangler/src/pages/upload.ts
type uploadClaims struct {
	Account  string `json:"account"`
	Project  string `json:"project"`
	Issued   int64  `json:"iat"`
	Expires  int64  `json:"exp"`
	MaxFiles int    `json:"max_file_count_allowed"`
}

func getUploadToken(c *call, p *project) (any, error) {
	claims := uploadClaims{
		Account: c.cloud.account(), Project: p.Name,
		Issued: c.now.Unix(), Expires: c.now.Add(uploadTokenTime).Unix(),
		MaxFiles: maxFiles,
	}
	return map[string]any{"jwt": c.cloud.signUploadToken(claims)}, nil
}

// signUploadToken returns a JSON Web Token with these claims. Each process has a key of its
// own, so clients must cope with a token that is refused before it expires.
func (c *Cloud) signUploadToken(claims uploadClaims) string {
	payload, _ := json.Marshal(claims) // it always marshals
	encode := base64.RawURLEncoding.EncodeToString
	signed := encode([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + encode(payload)
	return signed + "." + encode(c.uploadMAC(signed))
}

func (c *Cloud) uploadMAC(signed string) []byte {
	if c.uploadKey == nil {
		c.uploadKey = make([]byte, sha256.Size)
		_, _ = rand.Read(c.uploadKey) // never fails
	}
	mac := hmac.New(sha256.New, c.uploadKey)
	mac.Write([]byte(signed))
	return mac.Sum(nil)
}

// checkUploadToken refuses any token that the Cloud did not sign, and one that has expired.
// wrangler gets a new token after this code. The status is assumed.
// https://github.com/cloudflare/workers-sdk/blob/main/packages/wrangler/src/pages/errors.ts
func (c *Cloud) checkUploadToken(r *http.Request, now time.Time) error {
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	i := strings.LastIndexByte(token, '.')
	if i >= 0 {
		mac, err := base64.RawURLEncoding.DecodeString(token[i+1:])
		if err == nil && hmac.Equal(mac, c.uploadMAC(token[:i])) {
			_, payload, _ := strings.Cut(token[:i], ".")
			text, _ := base64.RawURLEncoding.DecodeString(payload)
			var claims uploadClaims
			if json.Unmarshal(text, &claims) == nil && now.Unix() < claims.Expires {
				return nil
			}
		}
	}
	return refuse(http.StatusUnauthorized, 8000013, "Authorization failed")
}
