package tidbcloud

import (
	"cmp"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// window counts the requests of one minute of the clock, which is how the real
// cloud's gateway counts.
type window struct {
	start time.Time
	used  int
}

// spend takes one request off the key's allowance, tells in the header what is
// left of it, and refuses the request where nothing was. Only requests that were
// authenticated cost something.
func (c *Cloud) spend(h http.Header) *problem {
	limit := cmp.Or(c.RateLimit, 100)
	if limit < 0 {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	if start := now.Truncate(time.Minute); !start.Equal(c.window.start) {
		c.window = window{start: start}
	}
	c.window.used++
	reset := c.window.start.Add(time.Minute).Sub(now)
	h.Set("X-Ratelimit-Limit-Minute", strconv.Itoa(limit))
	h.Set("X-Ratelimit-Remaining-Minute", strconv.Itoa(max(0, limit-c.window.used)))
	h.Set("X-Ratelimit-Reset", strconv.Itoa(int((reset+time.Second-1)/time.Second)))
	if c.window.used <= limit {
		return nil
	}
	return &problem{
		status: http.StatusTooManyRequests,
		biz:    bizLimit,
		message: fmt.Sprintf("The request exceeded the limit of %d times per apikey per minute. "+
			"For more quota, please contact us: https://support.pingcap.com/hc/en-us/requests/new?ticket_form_id=7800003722519", limit),
	}
}
