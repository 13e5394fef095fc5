package rest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

// firstWait is the first wait between two tries if the API asks for none. Each later wait is
// twice as long.
const firstWait = 500 * time.Millisecond

// retryAfter returns the wait that a response asks for, or 0. It reads Retry-After, in seconds
// or as a date (https://www.rfc-editor.org/rfc/rfc9110#field.retry-after). With a 429 it also
// reads X-Ratelimit-Reset, which asks for no wait in other responses.
func retryAfter(status int, header http.Header) time.Duration {
	names := []string{"Retry-After"}
	if status == http.StatusTooManyRequests {
		names = append(names, "X-Ratelimit-Reset")
	}
	for _, name := range names {
		// 31 bits of seconds, 68 years, do not overflow a Duration.
		if n, err := strconv.ParseUint(header.Get(name), 10, 31); err == nil {
			return time.Duration(n) * time.Second
		}
		if at, err := http.ParseTime(header.Get(name)); err == nil {
			return max(0, time.Until(at))
		}
	}
	return 0
}

// nextWait returns the wait after a number of tries: the one that the API asks for, or else an
// exponential one. Half of that is random, so that clients do not retry in step.
func nextWait(asked time.Duration, tries int) time.Duration {
	if asked > 0 {
		return asked
	}
	d := firstWait << (tries - 1)
	return d/2 + rand.N(d/2)
}

// worthWaiting reports whether a wait of d is short enough and ends before ctx does.
func worthWaiting(ctx context.Context, d time.Duration) bool {
	deadline, ok := ctx.Deadline()
	return ctx.Err() == nil && d <= MaxWait && (!ok || d < time.Until(deadline))
}

// Sleep waits for d. It returns early, with an error, if ctx is done.
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

// Seconds formats a duration for a status line, such as "12 s".
func Seconds(d time.Duration) string { return fmt.Sprintf("%d s", int(d.Round(time.Second).Seconds())) }

// waitReason returns why there is a wait, for [Client.OnWait].
func (e *Error) waitReason() string {
	switch {
	case e.Status == http.StatusTooManyRequests:
		return fmt.Sprintf("%s's rate limit is reached", e.Service)
	case e.Status >= 300:
		return fmt.Sprintf("%s responded %d", e.Service, e.Status)
	}
	return fmt.Sprintf("%s: %v", e.Service, e.Err)
}
