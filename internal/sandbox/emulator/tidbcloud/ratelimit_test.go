package tidbcloud_test

import (
	"testing"
	"time"
)

func TestCloud_RateLimit(t *testing.T) {
	ticks, cloud := newClock(), newCloud()
	cloud.Now, cloud.RateLimit = ticks.Now, 3
	c := serve(t, cloud)
	wantHeaders := func(a answer, remaining, reset string) {
		t.Helper()
		h := a.header
		if l, m, s := h.Get("X-Ratelimit-Limit-Minute"), h.Get("X-Ratelimit-Remaining-Minute"), h.Get("X-Ratelimit-Reset"); l != "3" || m != remaining || s != reset {
			t.Errorf("limit %q, remaining %q, reset %q; want 3, %s, %s", l, m, s, remaining, reset)
		}
	}
	ticks.Advance(10 * time.Second)
	wantHeaders(c.do("GET", "/v1beta1/clusters", "").want(200), "2", "50")
	wantHeaders(c.do("GET", "/v1beta1/nowhere", "").want(404), "1", "50")
	c.get("").want(401) // free of charge
	wantHeaders(c.do("POST", "/v1beta1/clusters", "{}").want(400), "0", "50")
	ticks.Advance(49500 * time.Millisecond)
	for range 2 {
		a := c.do("GET", "/v1beta1/clusters", "").want(429, `"code":49900007`, `"details":[]`, "The request exceeded the limit of 3 times per apikey per minute.")
		wantHeaders(a, "0", "1")
	}
	ticks.Advance(500 * time.Millisecond)
	wantHeaders(c.do("GET", "/v1beta1/clusters", "").want(200), "2", "60")
}

func TestCloud_RateLimit_default(t *testing.T) {
	cloud := newCloud()
	cloud.RateLimit = 0
	c := serve(t, cloud)
	for i := range 101 {
		want := 200
		if i == 100 {
			want = 429
		}
		c.do("GET", "/v1beta1/clusters", "").want(want)
	}
}

func TestCloud_RateLimit_none(t *testing.T) {
	c := serve(t, newCloud())
	for range 150 {
		if h := c.do("GET", "/v1beta1/clusters", "").want(200).header.Get("X-Ratelimit-Limit-Minute"); h != "" {
			t.Fatalf("there is a limit of %s", h)
		}
	}
}
