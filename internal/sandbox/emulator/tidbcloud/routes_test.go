package tidbcloud_test

import (
	"regexp"
	"testing"
)

func TestCloud_routes(t *testing.T) {
	c := serve(t, newCloud())
	id := c.create("cluster", "")
	tests := []struct {
		method, path string
		status       int
		allow        string
		texts        []string
	}{
		{"GET", "/", 404, "", []string{"GET /: ", `"details":[]`}},
		{"GET", "/v1beta1/clusters/", 404, "", []string{"GET /v1beta1/clusters/:"}},
		{"GET", "/v1beta1//clusters", 404, "", nil},
		{"GET", "/v1beta1/clusters:batchGet", 404, "", []string{"GET /v1beta1/clusters:batchGet"}},
		{"POST", clusterPath(id, "branches"), 404, "", []string{"POST " + clusterPath(id, "branches")}},
		{"GET", "/v1/clusters", 404, "", nil},
		{"PUT", "/v1beta1/clusters", 405, "GET, POST", []string{"PUT /v1beta1/clusters:", `"details":[]`}},
		{"POST", clusterPath(id), 405, "GET, PATCH, DELETE", nil},
		{"GET", clusterPath(id, "password"), 405, "PUT", nil},
		{"POST", "/v1beta1/regions", 405, "GET", nil},
		{"PUT", clusterPath(id, "sqlUsers"), 405, "GET, POST", []string{"PUT " + clusterPath(id, "sqlUsers"), `"status":405`}},
		{"PUT", clusterPath(id, "sqlUsers", "x"), 405, "GET, PATCH, DELETE", nil},
		{"GET", "/v1beta1/clusters?page_size=3", 400, "", []string{"page_size"}},
		{"GET", "/v1beta1/clusters?pageSize=3&pageSize=4", 400, "", []string{"more than once"}},
		{"GET", "/v1beta1/clusters?filter=%zz", 400, "", []string{"query string"}},
		{"POST", "/v1beta1/clusters?validateOnly=true", 400, "", []string{"validateOnly"}},
		{"GET", clusterPath(id, "sqlUsers") + "?filter=x", 400, "", []string{`"status":400`, "filter"}},
	}
	for _, tt := range tests {
		t.Run(tt.method+" "+tt.path, func(t *testing.T) {
			a := c.do(tt.method, tt.path, "").want(tt.status, tt.texts...)
			if got := a.header.Get("Allow"); got != tt.allow {
				t.Errorf("Allow is %q, want %q", got, tt.allow)
			}
		})
	}
}

func TestCloud_traceID(t *testing.T) {
	c := serve(t, newCloud())
	form := regexp.MustCompile(`^[0-9a-f]{32}$`)
	seen := map[string]bool{}
	for _, a := range []answer{c.get(""), c.do("GET", "/v1beta1/clusters", ""), c.do("GET", "/nowhere", ""), c.do("POST", "/v1beta1/clusters", "x")} {
		id := a.header.Get("X-Debug-Trace-Id")
		if !form.MatchString(id) || seen[id] {
			t.Errorf("%s: the trace id is %q", a.call, id)
		}
		seen[id] = true
	}
	a := c.do("POST", "/v1beta1/clusters", "{}").want(400, "bizErrorCode: 49900001")
	a.want(400, a.header.Get("X-Debug-Trace-Id")) // an error body repeats it
}

func TestCloud_regions(t *testing.T) {
	c := serve(t, newCloud())
	all := c.do("GET", "/v1beta1/regions", "").want(200,
		"regions/aws-ap-northeast-1", "regions/aws-us-east-1", "regions/aws-us-west-2", "regions/aws-eu-central-1", "regions/aws-ap-southeast-1",
		"regions/alicloud-ap-southeast-1").names("regions", "name")
	aws := c.do("GET", "/v1beta1/regions?cloudProvider=aws&servicePlan=Starter", "").want(200).names("regions", "cloudProvider")
	if len(all) != 12 || len(aws) != 8 {
		t.Errorf("%d regions, %d of them of AWS; want 12 and 8", len(all), len(aws))
	}
	c.do("GET", "/v1beta1/regions?servicePlan=Premium", "").want(200, `"regions":[]`)
	c.do("GET", "/v1beta1/regions?cloudProvider=ibm", "").want(400, "ibm")
	c.do("GET", "/v1beta1/regions?servicePlan=starter", "").want(400, "starter")
	c.do("GET", "/v1beta1/regions:listCloudProviders", "").want(200, `{"cloudProviders":["aws","alicloud"]}`)
}
