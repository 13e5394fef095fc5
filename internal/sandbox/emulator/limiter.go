package emulator

import "time"

// RateLimit is how many calls a cloud accepts.
type RateLimit struct {
	// Calls is the maximum in one Window.
	Calls  int
	Window time.Duration
	// Aligned makes windows begin at multiples of Window on the clock. Otherwise a window
	// begins with the first call after the previous window's end.
	Aligned bool
	// Block makes the first call over the limit begin a new window, in which all calls are
	// refused. Otherwise calls are refused until the window ends.
	Block bool
}

// Limiter counts calls against a [RateLimit]. The zero value is ready for use. It
// has no lock of its own.
type Limiter struct {
	start time.Time
	calls int
}

// Quota is what is left of a window after a call.
type Quota struct {
	// Exceeded reports whether the call must be refused.
	Exceeded bool
	// Remaining is how many more calls the window accepts.
	Remaining int
	// Reset is when the next window may begin, in seconds from now. It is rounded up, so that
	// a client that waits for it does not come too early.
	Reset int
}

// Take counts a call.
func (l *Limiter) Take(limit RateLimit, now time.Time) Quota {
	if !now.Before(l.start.Add(limit.Window)) {
		l.start, l.calls = now, 0
		if limit.Aligned {
			l.start = now.Truncate(limit.Window)
		}
	}
	l.calls++
	if limit.Block && l.calls == limit.Calls+1 {
		l.start = now
	}
	reset := l.start.Add(limit.Window).Sub(now)
	return Quota{
		Exceeded:  l.calls > limit.Calls,
		Remaining: max(0, limit.Calls-l.calls),
		Reset:     int((reset + time.Second - 1) / time.Second),
	}
}
