package rest_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"portfolio-infra/internal/rest"
	"portfolio-infra/internal/rest/resttest"
	"portfolio-infra/internal/testcheck"
)

func TestClient_Do_waits(t *testing.T) {
	const day, second = 24 * time.Hour, time.Second
	ownMin, ownMax := 250*time.Millisecond, 500*time.Millisecond
	atDate := func(w http.ResponseWriter, r *http.Request) {
		status(429, "Retry-After", time.Now().Add(9*second).UTC().Format(http.TimeFormat))(w, r)
	}
	for _, tt := range []struct {
		name     string
		response http.HandlerFunc
		deadline time.Duration
		min, max time.Duration // until the second try
		wantErr  string
	}{
		{"own", status(503), day, ownMin, ownMax, ""},
		{"Retry-After in seconds", status(429, "Retry-After", "7"), day, 7 * second, 7 * second, ""},
		{"Retry-After with 503", status(503, "Retry-After", "7"), day, 7 * second, 7 * second, ""},
		{"Retry-After as date", atDate, day, 8 * second, 9 * second, ""},
		{"Retry-After in the past", status(429, "Retry-After", "Mon, 03 Jan 1994 15:04:05 GMT"), day, ownMin, ownMax, ""},
		{"Retry-After zero", status(429, "Retry-After", "0"), day, ownMin, ownMax, ""},
		{"Retry-After nonsense", status(429, "Retry-After", "-3 apples"), day, ownMin, ownMax, ""},
		{"Retry-After beyond any number", status(429, "Retry-After", strings.Repeat("9", 30)), day, ownMin, ownMax, ""},
		{"X-Ratelimit-Reset", status(429, "X-Ratelimit-Reset", "31"), day, 31 * second, 31 * second, ""},
		{"X-Ratelimit-Reset without 429", status(500, "X-Ratelimit-Reset", "31"), day, ownMin, ownMax, ""},
		{"longest", status(429, "Retry-After", "120"), day, 120 * second, 120 * second, ""},
		{"too long", status(429, "Retry-After", "121"), day, 0, 0, "the API asks to wait 2m1s"},
		{"longer than the deadline", status(429, "Retry-After", "60"), time.Minute, 0, 0, "the API asks to wait 1m0s"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := client(resttest.NewAPI(tt.response, good))
				var shown []string
				c.OnWait = func(_ context.Context, d time.Duration, reason string) {
					shown = append(shown, d.String()+" "+reason)
				}
				ctx, cancel := context.WithTimeout(t.Context(), tt.deadline)
				defer cancel()
				start := time.Now()
				err := c.Do(ctx, "GET", "/things", nil, &thing{})
				took := time.Since(start)

				testcheck.Error(t, err, tt.wantErr)
				if took < tt.min || took > tt.max {
					t.Errorf("waited %s, want %s to %s", took, tt.min, tt.max)
				}
				announced := len(shown) == 1 && strings.HasPrefix(shown[0], took.String()) && strings.Contains(shown[0], "Test API")
				if err == nil && !announced || err != nil && shown != nil {
					t.Errorf("shown %q for a wait of %s", shown, took)
				}
			})
		})
	}
}

func TestClient_Do_waitGrows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := resttest.NewAPI(status(500))
		_ = client(api).Do(t.Context(), "GET", "/things", nil, nil)
		tries := api.Requests()
		for i, least := range []time.Duration{250, 500, 1000, 2000} {
			least *= time.Millisecond
			if got := tries[i+1].At.Sub(tries[i].At); got < least || got > 2*least {
				t.Errorf("wait %d is %s, want %s to %s", i, got, least, 2*least)
			}
		}
	})
}

// A call ends with its context.
func TestClient_Do_ended(t *testing.T) {
	canceled := func(ctx context.Context) (context.Context, context.CancelFunc) {
		ctx, cancel := context.WithCancel(ctx)
		time.AfterFunc(3*time.Second, cancel)
		return ctx, cancel
	}
	deadline := func(ctx context.Context) (context.Context, context.CancelFunc) {
		return context.WithTimeout(ctx, 3*time.Second)
	}
	for _, tt := range []struct {
		name      string
		method    string
		response  http.HandlerFunc
		end       func(context.Context) (context.Context, context.CancelFunc)
		ambiguous bool
		wantErr   string
	}{
		{"canceled in a wait", "GET", status(429, "Retry-After", "60"), canceled, false, "429 Too Many Requests: the API says 429: context canceled"},
		{"canceled in a write's wait", "POST", status(429, "Retry-After", "60"), canceled, false, "context canceled"},
		{"canceled in a read", "GET", silent, canceled, false, "context canceled"},
		{"canceled in a write", "POST", silent, canceled, true, "context canceled"},
		{"deadline in a read", "GET", silent, deadline, false, "context deadline exceeded"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				api := resttest.NewAPI(tt.response)
				ctx, cancel := tt.end(t.Context())
				defer cancel()
				start := time.Now()
				err := client(api).Do(ctx, tt.method, "/things", nil, nil)
				testcheck.Error(t, err, tt.wantErr)
				if !errors.Is(err, ctx.Err()) || rest.Ambiguous(err) != tt.ambiguous {
					t.Errorf("ambiguous %v: %v", rest.Ambiguous(err), err)
				}
				if took := time.Since(start); took != 3*time.Second || len(api.Calls()) != 1 {
					t.Errorf("ended after %s and %d tries", took, len(api.Calls()))
				}
			})
		})
	}
}
