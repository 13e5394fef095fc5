package tidbcloud_test

import (
	"testing"
	"time"
)

func TestCloud_routes(t *testing.T) {
	c := serve(t, newCloud())
	id := c.create("cluster", "")
	for _, tt := range []struct {
		method, path string
		status       int
		text         string
	}{
		{"GET", "/", 404, "GET /: no such operation"},
		{"GET", "/v1beta1/clusters/", 404, "GET /v1beta1/clusters/: "},
		{"GET", "/v1beta1/clusters:batchGet", 404, "GET /v1beta1/clusters:batchGet: "},
		{"PUT", clusterPath(id, "branches"), 404, "PUT " + clusterPath(id, "branches") + ": "},
		{"POST", clusterPath(id, "branches", "bran-x"), 404, "POST " + clusterPath(id, "branches", "bran-x") + ": "},
		{"GET", clusterPath(id, "branches", "bran-x") + "?view=BASIC", 400, "not FULL"},
		{"PUT", clustersPath, 404, "PUT /v1beta1/clusters: "},
		{"PUT", clusterPath(id, "password"), 404, `"details":[]`},
		{"GET", clustersPath + "?page_size=3", 400, "page_size"},
		{"GET", clustersPath + "?pageSize=3&pageSize=4", 400, "more than once"},
		{"GET", clustersPath + "?filter=%zz", 400, "query string"},
		{"POST", clustersPath + "?validateOnly=true", 400, "validateOnly"},
		{"GET", clusterPath(id, "sqlUsers") + "?filter=x", 400, `"status":400`},
	} {
		t.Run(tt.method+" "+tt.path, func(t *testing.T) {
			c.in(t).do(tt.method, tt.path, "").want(tt.status, tt.text)
		})
	}
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
