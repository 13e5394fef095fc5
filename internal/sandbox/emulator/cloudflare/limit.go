package cloudflare

import (
	"cmp"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"
)

// limiter counts calls. Past the limit it refuses all for a whole window.
type limiter struct {
	since, until time.Time
	calls        int
}

func (l *limiter) take(h http.Header, now time.Time, most int, window time.Duration) error {
	most, window = cmp.Or(most, 1200), cmp.Or(window, 5*time.Minute)
	if now.Sub(l.since) >= window {
		l.since, l.calls = now, 0
	}
	if now.Before(l.until) {
		return l.refuse(h, now)
	}
	if l.calls == most {
		l.since, l.until, l.calls = now.Add(window), now.Add(window), 0
		return l.refuse(h, now)
	}
	l.calls++
	h.Set("Ratelimit-Policy", fmt.Sprintf(`"default";q=%d;w=%d`, most, seconds(window)))
	h.Set("Ratelimit", fmt.Sprintf(`"default";r=%d;t=%d`, most-l.calls, seconds(l.since.Add(window).Sub(now))))
	return nil
}

func (l *limiter) refuse(h http.Header, now time.Time) error {
	h.Set("Retry-After", strconv.Itoa(seconds(l.until.Sub(now))))
	return refuse(http.StatusTooManyRequests, 971, "Please wait and consider throttling your request speed")
}

// seconds rounds up: who waits for less comes too early.
func seconds(d time.Duration) int { return int(math.Ceil(d.Seconds())) }
