package emulator

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestLimiter_Take(t *testing.T) {
	ok := func(remaining, reset int) Quota { return Quota{Remaining: remaining, Reset: reset} }
	exceeded := func(reset int) Quota { return Quota{Exceeded: true, Reset: reset} }
	type call struct {
		after time.Duration // since the call before; the first comes at 7 seconds past
		want  Quota
	}
	for _, tt := range []struct {
		name  string
		limit RateLimit
		calls []call
	}{
		{"windows begin with a call", RateLimit{Calls: 2, Window: time.Minute}, []call{
			{0, ok(1, 60)}, {20 * time.Second, ok(0, 40)}, {0, exceeded(40)}, {39 * time.Second, exceeded(1)},
			{2 * time.Second, ok(1, 60)}, {time.Hour, ok(1, 60)},
		}},
		{"windows of the clock", RateLimit{Calls: 2, Window: time.Minute, Aligned: true}, []call{
			{0, ok(1, 53)}, {20 * time.Second, ok(0, 33)}, {0, exceeded(33)}, {32 * time.Second, exceeded(1)},
			{2 * time.Second, ok(1, 59)}, {time.Hour, ok(1, 59)},
		}},
		{"blocked for a window", RateLimit{Calls: 2, Window: time.Minute, Block: true}, []call{
			{0, ok(1, 60)}, {20 * time.Second, ok(0, 40)}, {20 * time.Second, exceeded(60)}, {30 * time.Second, exceeded(30)},
			{31 * time.Second, ok(1, 60)},
		}},
		{"rounded up", RateLimit{Calls: 1, Window: time.Minute}, []call{
			{0, ok(0, 60)}, {500 * time.Millisecond, exceeded(60)}, {500 * time.Millisecond, exceeded(59)},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var l Limiter
			now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
			for i, c := range tt.calls {
				now = now.Add(c.after)
				if diff := cmp.Diff(c.want, l.Take(tt.limit, now)); diff != "" {
					t.Errorf("call %d (-want +got):\n%s", i, diff)
				}
			}
		})
	}
}
