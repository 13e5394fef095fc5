package cloudflare

import (
	"cmp"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"portfolio-infra/internal/sandbox/emulator"
)

var (
	tokenForm   = regexp.MustCompile(`^Bearer [A-Za-z0-9_-]{40,}$`)
	accountForm = regexp.MustCompile(`^[0-9a-f]{32}$`)
)

// realm is a part of the API that rejects tokens with a code of its own.
type realm int

const (
	product  realm = iota // Pages, Workers
	identity              // accounts, users, memberships
	verify                // verification of tokens
	assets                // assets of Pages, which take upload tokens
)

// assetsPath is the path of the assets of Pages, below base.
const assetsPath = "/pages/assets/"

// checkCredentials refuses a request that has no API token.
func checkCredentials(r *http.Request) error {
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

// authorize refuses any token and any account other than the Cloud's own.
func (c *Cloud) authorize(r *http.Request, in realm, now time.Time) error {
	if in == assets {
		return c.checkUploadToken(r, now)
	}
	if strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ") != c.Token {
		switch in {
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
		return refuse(http.StatusNotFound, codeNoRoute, noRouteMessage, r.URL.Path)
	default:
		return refuse(http.StatusForbidden, 10000, "Authentication error")
	}
}

// limit counts an authorized call and refuses it if there were too many.
func (c *Cloud) limit(header http.Header, now time.Time) error {
	limit := emulator.RateLimit{
		Calls:  cmp.Or(c.RateLimit.Calls, 1200),
		Window: cmp.Or(c.RateLimit.Window, 5*time.Minute),
		Block:  true,
	}
	quota := c.limiter.Take(limit, now)
	if quota.Exceeded {
		header.Set("Retry-After", strconv.Itoa(quota.Reset))
		return refuse(http.StatusTooManyRequests, 971, "Please wait and consider throttling your request speed")
	}
	header.Set("Ratelimit-Policy", fmt.Sprintf(`"default";q=%d;w=%.0f`, limit.Calls, limit.Window.Seconds()))
	header.Set("Ratelimit", fmt.Sprintf(`"default";r=%d;t=%d`, quota.Remaining, quota.Reset))
	return nil
}
