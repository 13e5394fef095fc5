package rest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

// Bounds of the wait between two tries when the API asks for none: it doubles
// from the first to the second.
const (
	firstWait   = 500 * time.Millisecond
	longestWait = 30 * time.Second
)

// askedWait is the wait that an answer asks for, or 0: Retry-After in seconds or
// as a date, and, with a 429, X-Ratelimit-Reset in seconds.
func askedWait(status int, header http.Header) time.Duration {
	if v := header.Get("Retry-After"); v != "" {
		if d, ok := seconds(v); ok {
			return d
		}
		if at, err := http.ParseTime(v); err == nil {
			return max(0, time.Until(at))
		}
	}
	if status == http.StatusTooManyRequests {
		// Sent with every answer, so it means a wait only here.
		if d, ok := seconds(header.Get("X-Ratelimit-Reset")); ok {
			return d
		}
	}
	return 0
}

func seconds(v string) (time.Duration, bool) {
	// 31 bits of seconds are 68 years and do not overflow a Duration.
	n, err := strconv.ParseUint(v, 10, 31)
	return time.Duration(n) * time.Second, err == nil
}

// nextWait is the wait before try number tries+1: the asked one, else an
// exponential one, half of it random so that clients do not move in step.
func nextWait(asked time.Duration, tries int) time.Duration {
	if asked > 0 {
		return asked
	}
	d := min(firstWait<<min(tries-1, 10), longestWait)
	return d/2 + rand.N(d/2)
}

// worthWaiting tells whether a wait of d is allowed and ends before ctx does.
func (c *Client) worthWaiting(ctx context.Context, d time.Duration) bool {
	if d > c.maxWait() {
		return false
	}
	deadline, ok := ctx.Deadline()
	return !ok || d < time.Until(deadline)
}

// Sleep waits for d or for ctx to end, whichever is first.
func Sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// why words the reason of a wait for [Client.OnWait].
func (e *Error) why() string {
	switch {
	case e.Status == http.StatusTooManyRequests:
		return fmt.Sprintf("%s's rate limit is reached", e.Service)
	case e.Status >= 300:
		return fmt.Sprintf("%s answered %d", e.Service, e.Status)
	}
	return fmt.Sprintf("%s: %v", e.Service, e.Err)
}
