package rest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

// The wait between tries if the API asks for none doubles from firstWait to maxBackoff.
const (
	firstWait  = 500 * time.Millisecond
	maxBackoff = 30 * time.Second
)

// retryAfter returns the wait that a response asks for, or 0: Retry-After in seconds or
// as a date (https://www.rfc-editor.org/rfc/rfc9110#field.retry-after), and with a 429
// X-Ratelimit-Reset in seconds.
func retryAfter(status int, header http.Header) time.Duration {
	if v := header.Get("Retry-After"); v != "" {
		if d, ok := seconds(v); ok {
			return d
		}
		if at, err := http.ParseTime(v); err == nil {
			return max(0, time.Until(at))
		}
	}
	if status == http.StatusTooManyRequests {
		// Every response has it. Only here does it mean a wait.
		if d, ok := seconds(header.Get("X-Ratelimit-Reset")); ok {
			return d
		}
	}
	return 0
}

func seconds(v string) (time.Duration, bool) {
	// 31 bits of seconds, 68 years, do not overflow a Duration.
	n, err := strconv.ParseUint(v, 10, 31)
	return time.Duration(n) * time.Second, err == nil
}

// nextWait returns the wait before try number tries+1: the one asked for, or else an
// exponential one, half of it random so that clients do not retry in step.
func nextWait(asked time.Duration, tries int) time.Duration {
	if asked > 0 {
		return asked
	}
	d := min(firstWait<<min(tries-1, 10), maxBackoff)
	return d/2 + rand.N(d/2)
}

// worthWaiting reports whether a wait of d is allowed and ends before ctx does.
func (c *Client) worthWaiting(ctx context.Context, d time.Duration) bool {
	if d > c.maxWait() {
		return false
	}
	deadline, ok := ctx.Deadline()
	return !ok || d < time.Until(deadline)
}

// Sleep waits for d or until ctx is done, whichever is first.
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

// reason returns why there is a wait, for [Client.OnWait].
func (e *Error) reason() string {
	switch {
	case e.Status == http.StatusTooManyRequests:
		return fmt.Sprintf("%s's rate limit is reached", e.Service)
	case e.Status >= 300:
		return fmt.Sprintf("%s answered %d", e.Service, e.Status)
	}
	return fmt.Sprintf("%s: %v", e.Service, e.Err)
}
