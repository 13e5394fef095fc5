package cloudflare

import (
	"net/http"
	"regexp"
	"strings"
)

var (
	tokenForm   = regexp.MustCompile(`^Bearer [A-Za-z0-9_-]{40,}$`)
	accountForm = regexp.MustCompile(`^[0-9a-f]{32}$`)
)

// kind is what a route belongs to. Each answers a bad token in words of its own.
type kind int

const (
	product  kind = iota // Pages, Workers
	identity             // accounts, the user, memberships
	verify               // is this token good?
)

// credentials refuses a request that does not carry a token.
func credentials(r *http.Request) error {
	switch h := r.Header.Get("Authorization"); {
	case tokenForm.MatchString(h):
		return nil
	case h != "":
		return &refusal{http.StatusBadRequest, []problem{{
			Code: 6003, Message: "Invalid request headers",
			Chain: []problem{{Code: 6111, Message: "Invalid format for Authorization header"}},
		}}}
	case r.Header.Get("X-Auth-Key") != "" || r.Header.Get("X-Auth-Email") != "":
		return refuse(http.StatusForbidden, 9103, "Unknown X-Auth-Key or X-Auth-Email")
	default:
		return refuse(http.StatusBadRequest, 9106, "Missing X-Auth-Key, X-Auth-Email or Authorization headers")
	}
}

// admit refuses another token than the Cloud's, and another account.
func (c *Cloud) admit(r *http.Request, k kind) error {
	if token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "); token != c.Token {
		switch k {
		case verify:
			return refuse(http.StatusUnauthorized, 1000, "Invalid API Token")
		case identity:
			return refuse(http.StatusForbidden, 9109, "Invalid access token")
		default:
			return refuse(http.StatusUnauthorized, 10000, "Authentication error")
		}
	}
	switch account := r.PathValue("account"); {
	case account == "" || account == c.account():
		return nil
	case !accountForm.MatchString(account):
		return refuse(http.StatusNotFound, 7003,
			"Could not route to %s, perhaps your object identifier is invalid?", r.URL.Path)
	case k == product:
		return refuse(http.StatusForbidden, 10000, "Authentication error")
	default:
		return refuse(http.StatusForbidden, 9109, "Unauthorized to access requested resource")
	}
}
