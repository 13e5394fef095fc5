package cloudflare

import (
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

// isAssets reports whether a call is about the assets of Pages, which take upload tokens.
func isAssets(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, base+"/pages/assets/") }

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
	default:
		return refuse(http.StatusBadRequest, 9106, "Missing X-Auth-Key, X-Auth-Email or Authorization headers")
	}
}

// authorize refuses any token and any account other than the Cloud's own.
func (c *Cloud) authorize(r *http.Request, now time.Time) error {
	if isAssets(r) {
		return c.checkUploadToken(r, now)
	}
	if strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ") != c.Token {
		return refuse(http.StatusUnauthorized, 10000, "Authentication error")
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

// rateLimit blocks all calls for a window once there were too many.
// https://developers.cloudflare.com/fundamentals/api/reference/limits/
var rateLimit = emulator.RateLimit{Calls: 1200, Window: 5 * time.Minute, Block: true}

// limit counts an authorized call and refuses it if there were too many.
func (c *Cloud) limit(header http.Header, now time.Time) error {
	quota := c.limiter.Take(rateLimit, now)
	if quota.Exceeded {
		header.Set("Retry-After", strconv.Itoa(quota.Reset))
		return refuse(http.StatusTooManyRequests, 971, "Please wait and consider throttling your request speed")
	}
	header.Set("Ratelimit-Policy", fmt.Sprintf(`"default";q=%d;w=%.0f`, rateLimit.Calls, rateLimit.Window.Seconds()))
	header.Set("Ratelimit", fmt.Sprintf(`"default";r=%d;t=%d`, quota.Remaining, quota.Reset))
	return nil
}
