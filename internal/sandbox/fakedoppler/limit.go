package fakedoppler

import (
	"math"
	"net/http"
	"strconv"
	"time"
)

// kind is what a call counts as.
type kind int

const (
	reads kind = iota
	secretReads
	writes
)

// limits are how many calls a minute are let through.
// https://docs.doppler.com/reference/api#rate-limits
var limits = [...]int{reads: 240, secretReads: 120, writes: 60}

// limiter counts the calls of the current minute, which begins with the first one.
type limiter [len(limits)]struct {
	since time.Time
	calls int
}

// take counts one call and tells where that leaves the caller, or refuses it.
func (l *limiter) take(h http.Header, now time.Time, k kind) error {
	w := &l[k]
	if now.Sub(w.since) >= time.Minute {
		w.since, w.calls = now, 0
	}
	w.calls++
	reset := w.since.Add(time.Minute)
	h.Set("X-Ratelimit-Limit", strconv.Itoa(limits[k]))
	h.Set("X-Ratelimit-Remaining", strconv.Itoa(max(0, limits[k]-w.calls)))
	h.Set("X-Ratelimit-Reset", strconv.FormatInt(reset.Unix(), 10))
	if w.calls <= limits[k] {
		return nil
	}
	h.Set("Retry-After", strconv.Itoa(int(math.Ceil(reset.Sub(now).Seconds()))))
	return refuse(http.StatusTooManyRequests, "Rate limit exceeded")
}
