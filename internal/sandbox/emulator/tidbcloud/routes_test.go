package tidbcloud_test

import (
	"testing"
	"time"
)

// Each request has a trace ID, which an error repeats.
func TestCloud_trace(t *testing.T) {
	c := serve(t, newCloud())
	a := c.do("POST", clustersPath, "{}")
	trace := a.header.Get("X-Debug-Trace-Id")
	if b := c.do("POST", clustersPath, "{}"); len(trace) != 32 || b.header.Get("X-Debug-Trace-Id") == trace {
		t.Errorf("the trace ID is %q", trace)
	}
	a.want(400, trace)
}

func TestCloud_RateLimit(t *testing.T) {
	cloud, clock := newDefaultCloud()
	cloud.RateLimit = 2
	c := serve(t, cloud)
	want := func(a answer, remaining, reset string) {
		t.Helper()
		for name, want := range map[string]string{"Limit-Minute": "2", "Remaining-Minute": remaining, "Reset": reset} {
			if got := a.header.Get("X-Ratelimit-" + name); got != want {
				t.Errorf("X-Ratelimit-%s is %q, want %q", name, got, want)
			}
		}
	}
	clock.Advance(10 * time.Second)
	want(c.do("GET", "/v1beta1/nowhere", "").want(404), "1", "50")
	c.get("").want(401) // does not count
	want(c.do("POST", clustersPath, "{}").want(400), "0", "50")
	a := c.do("GET", clustersPath, "").want(429, `"code":49900007`, `"details":[]`,
		"The request exceeded the limit of 2 times per apikey per minute.")
	want(a, "0", "50")
	clock.Advance(50 * time.Second)
	want(c.do("GET", clustersPath, "").want(200), "1", "60")
}
