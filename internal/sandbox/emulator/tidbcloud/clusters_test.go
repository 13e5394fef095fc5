package tidbcloud_test

import (
	"fmt"
	"regexp"
	"testing"
	"time"
)

// reservedLabels are those that each cluster has.
const reservedLabels = `"tidb.cloud/organization":"1372813089200000001","tidb.cloud/project":"1372813089400000002"`

func TestCluster_create(t *testing.T) {
	c := serve(t, newCloud())
	a := c.do("POST", clustersPath, `{
		"displayName": "portfolio-db", `+tokyo+`,
		"labels": {"pulumi.com/owner": "portfolio.dev", "env": ""},
		"spendingLimit": {"monthly": 1000}
	}`)
	id := a.want(200).str("clusterId")
	if !regexp.MustCompile(`^[1-9A-HJ-NP-Za-km-z]{15}$`).MatchString(a.str("userPrefix")) {
		t.Errorf("userPrefix is %q", a.str("userPrefix"))
	}
	a.want(200, `"name":"clusters/`+id+`"`, `"displayName":"portfolio-db"`, `"name":"regions/aws-ap-northeast-1"`,
		`"state":"ACTIVE"`, `"spendingLimit":{"monthly":1000}`, `"clusterPlan":"STARTER","servicePlan":"Starter"`,
		`"host":"gateway01.ap-northeast-1.prod.aws.tidbcloud.com","port":4000,"disabled":false`,
		`"labels":{"env":"","pulumi.com/owner":"portfolio.dev",`+reservedLabels+`}`,
		`"createTime":"2026-03-01T12:00:00Z","updateTime":"2026-03-01T12:00:00Z"`)
	c.do("GET", clusterPath(id), "").want(200).wantSame(a)

	c.do("POST", clustersPath, `{"displayName":"portfolio-db","region":{"name":"regions/alicloud-ap-southeast-1"}}`).want(200,
		`"spendingLimit":{"monthly":0}`, `"startIpAddress":"0.0.0.0","endIpAddress":"255.255.255.255"`,
		`"host":"gateway01.ap-southeast-1.prod.alicloud.tidbcloud.com","port":4000,"disabled":false`)
}

func TestCluster_create_refused(t *testing.T) {
	cluster := func(more string) string { return `{"displayName":"portfolio-db",` + tokyo + more + `}` }
	named := func(name string) string { return `{"displayName":"` + name + `",` + tokyo + `}` }
	in := func(region string) string { return `{"displayName":"portfolio-db","region":` + region + `}` }
	label := func(key, value string) string { return cluster(fmt.Sprintf(`,"labels":{%q:%q}`, key, value)) }
	tests := map[string]struct{ body, text string }{
		"no body":                 {"", "body"},
		"no name":                 {`{` + tokyo + `}`, "displayName"},
		"short name":              {named("abc"), "displayName"},
		"hyphen ends the name":    {named("portfolio-"), "displayName"},
		"unknown region":          {in(`{"name":"regions/aws-mars-1"}`), "regions/aws-mars-1"},
		"region without regions/": {in(`{"name":"aws-us-east-1"}`), "aws-us-east-1"},
		"read-only field":         {cluster(`,"state":"ACTIVE"`), "state"},
		"unknown field":           {cluster(`,"colour":"red"`), `invalid body, or not emulated: json: unknown field \"colour\"`},
		"field in another case":   {cluster(`,"Labels":{}`), "Labels"},
		"zero limit":              {cluster(`,"spendingLimit":{"monthly":0}`), "spendingLimit.monthly"},
		"networks":                {cluster(`,"endpoints":{"public":{}}`), "endpoints"},
		"unknown project":         {label("tidb.cloud/project", "42"), "42"},
		"another organization":    {label("tidb.cloud/organization", "42"), "tidb.cloud/organization"},
		"key with a space":        {label("a b", "y"), "a b"},
		"value with a slash":      {label("k", "a/b"), "a/b"},
	}
	cloud := newCloud()
	c := serve(t, cloud)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c.in(t).do("POST", clustersPath, tt.body).want(400, `"code":400`, "bizErrorCode: 49900001", tt.text)
		})
	}
	if n := len(cloud.Clusters()); n != 0 {
		t.Errorf("refused requests made %d clusters", n)
	}
}

func TestCluster_get(t *testing.T) {
	c := serve(t, newCloud())
	id := c.create("cluster", "")
	c.do("GET", clusterPath(id)+"?view=BASIC", "").want(400, `\"view\" is unknown, or not emulated`)
	c.do("GET", clusterPath(missingID), "").want(404, `"code":404`, missingID, `"details":[]`)
	for _, malformed := range []string{"x", "42", "0000000000000000000", "100000000000000000000", id + "%20", "a%2Fb"} {
		c.do("GET", clusterPath(malformed), "").want(400, "cluster ID")
	}
}

func TestCluster_update(t *testing.T) {
	cloud, clock := newDefaultCloud()
	cloud.CreateTime, cloud.RateLimit = -1, -1
	c := serve(t, cloud)
	id := c.create("cluster", `,"labels":{"a":"1","b":"2"}`)
	from := func(start, end, name string) string {
		return fmt.Sprintf(`{"endpoints":{"public":{"authorizedNetworks":[{"startIpAddress":%q,"endIpAddress":%q,"displayName":%q}]}}}`, start, end, name)
	}
	const networks = "endpoints.public.authorizedNetworks"
	network := from("1.1.1.1", "1.1.1.1", "x")
	tests := []struct {
		name, mask, cluster string
		status              int
		text                string
	}{
		{"name", "displayName", `{"displayName":"renamed"}`, 200, `"displayName":"renamed"`},
		{"bad name", "displayName", `{"displayName":"-"}`, 400, "displayName"},
		{"labels are added", "labels", `{"labels":{"b":"3","example.com/c":"4"}}`, 200, `"labels":{"a":"1","b":"3","example.com/c":"4",` + reservedLabels + `}`},
		{"labels written back", "labels", `{"labels":{` + reservedLabels + `,"z":"1"}}`, 200, reservedLabels + `,"z":"1"}`},
		{"another project", "labels", `{"labels":{"tidb.cloud/project":"9"}}`, 400, "tidb.cloud/project"},
		{"one bad label", "labels", `{"labels":{"ok":"1","b d":"9"}}`, 400, "b d"},
		{"limit", "spendingLimit.monthly", `{"spendingLimit":{"monthly":500}}`, 200, `"spendingLimit":{"monthly":500}`},
		{"mask of the object", "spendingLimit", `{"spendingLimit":{"monthly":500}}`, 400, "spendingLimit.monthly"},
		{"disabled", "endpoints.public.disabled", `{"endpoints":{"public":{"disabled":true}}}`, 200, `"disabled":true`},
		{"enabled", "endpoints.public.disabled", `{"endpoints":{"public":{"disabled":false}}}`, 200, `"disabled":false`},
		{"network without a name", networks, from("1.1.1.1", "1.1.1.2", ""), 400, "displayName"},
		{"network of IPv6", networks, from("::1", "::2", "x"), 400, "IPv4"},
		{"network backwards", networks, from("1.1.1.2", "1.1.1.1", "x"), 400, "1.1.1.2"},
		{"networks", networks, network, 200, `"authorizedNetworks":[{"startIpAddress":"1.1.1.1",`},
		{"no networks", networks, `{"endpoints":{"public":{"authorizedNetworks":[]}}}`, 200, `"authorizedNetworks":[]`},
		{"two masks", "displayName,labels", `{"displayName":"other","labels":{}}`, 400, "displayName,labels"},
		{"wildcard mask", "*", `{"displayName":"other"}`, 400, "*"},
		{"no mask", "", `{"displayName":"other"}`, 400, "updateMask"},
		{"mask in snake case", "display_name", `{"displayName":"other"}`, 400, "display_name"},
		{"field outside the mask", "displayName", `{"displayName":"other","labels":{}}`, 400, "labels"},
		{"neighboring field", "endpoints.public.disabled", network, 400, "authorizedNetworks"},
		{"mask without the field", "displayName", `{}`, 400, "displayName"},
		{"mask without the inner field", "endpoints.public.disabled", `{"endpoints":{"public":{}}}`, 400, "endpoints.public.disabled"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := c.in(t)
			before := c.do("GET", clusterPath(id), "").want(200)
			clock.Advance(time.Second)
			a := c.do("PATCH", clusterPath(id), fmt.Sprintf(`{"cluster":%s,"updateMask":%q}`, tt.cluster, tt.mask)).want(tt.status, tt.text)
			after := c.do("GET", clusterPath(id), "").want(200)
			if tt.status != 200 {
				after.wantSame(before)
				return
			}
			after.wantSame(a)
			if after.str("updateTime") == before.str("updateTime") {
				t.Errorf("updateTime is still %s", before.str("updateTime"))
			}
		})
	}
	c.do("PATCH", clusterPath(id), `{"updateMask":"displayName"}`).want(400, "displayName")
}
