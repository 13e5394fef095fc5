package fakedoppler

import (
	"crypto/subtle"
	"net/http"
	"strings"
)

// admit refuses a call without the token. It may come as a bearer, or as the user
// of basic authentication with an empty password, which is what Doppler's own
// clients send.
func (c *Cloud) admit(r *http.Request) error {
	if r.Header.Get("Authorization") == "" {
		return refuse(http.StatusUnauthorized, "You must provide an auth token")
	}
	token, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !bearer {
		user, password, basic := r.BasicAuth()
		if !basic || password != "" {
			return refuse(http.StatusUnauthorized, "Invalid Auth token")
		}
		token = user
	}
	if c.Token == "" || subtle.ConstantTimeCompare([]byte(token), []byte(c.Token)) != 1 {
		return refuse(http.StatusUnauthorized, "Invalid Auth token")
	}
	return nil
}

// tokenTypes are the types of tokens by how they begin.
var tokenTypes = []struct{ prefix, name string }{
	{"dp.ct.", "cli"}, {"dp.pt.", "personal"}, {"dp.st.", "service"}, {"dp.sa.", "service_account"},
}

// tokenType returns the token's prefix and type. One of no known form counts as a
// service account's.
func (c *Cloud) tokenType() (prefix, name string) {
	for _, t := range tokenTypes {
		if strings.HasPrefix(c.Token, t.prefix) {
			return t.prefix, t.name
		}
	}
	return "", "service_account"
}

// person reports whether the token is a person's, who is not told restricted
// values.
func (c *Cloud) person() bool {
	_, name := c.tokenType()
	return name == "cli" || name == "personal"
}

// getMe tells whose token it is. The preview has none of its characters, where
// that of the real API has six.
func getMe(c *call) (answer, error) {
	if err := c.params(nil); err != nil {
		return nil, err
	}
	prefix, name := c.cloud.tokenType()
	return answer{
		"slug": "00000000-0000-4000-8000-000000000001", "name": "Sandbox", "type": name,
		"created_at": "2020-01-01T00:00:00.000Z", "last_seen_at": c.now,
		"token_preview": prefix + "...",
		"workplace":     map[string]any{"slug": "sandbox", "name": "Sandbox"},
	}, nil
}
