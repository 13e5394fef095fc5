package tidbcloud

import (
	"cmp"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"portfolio-infra/internal/sandbox/emulator"
)

// countRequest counts a request against the key's rate limit and puts what is left into the
// header. Only authenticated requests count. That the real cloud's windows are minutes of the
// clock is assumed.
func (c *Cloud) countRequest(h http.Header) error {
	limit := cmp.Or(c.RateLimit, 100)
	if limit < 0 {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	quota := c.limiter.Take(emulator.RateLimit{Calls: limit, Window: time.Minute, Aligned: true}, c.now())
	h.Set("X-Ratelimit-Limit-Minute", strconv.Itoa(limit))
	h.Set("X-Ratelimit-Remaining-Minute", strconv.Itoa(quota.Remaining))
	h.Set("X-Ratelimit-Reset", strconv.Itoa(quota.Reset))
	if !quota.Exceeded {
		return nil
	}
	return &apiError{
		status: http.StatusTooManyRequests,
		code:   codeRateLimit,
		message: fmt.Sprintf("The request exceeded the limit of %d times per apikey per minute. "+
			"For more quota, please contact us: https://support.pingcap.com/hc/en-us/requests/new?ticket_form_id=7800003722519", limit),
	}
}
