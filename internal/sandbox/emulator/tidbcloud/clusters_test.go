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

func TestCluster_update(t *testing.T) {
	cloud, clock := newDefaultCloud()
	cloud.CreateTime, cloud.RateLimit = -1, -1
	c := serve(t, cloud)
	id := c.create("cluster", `,"labels":{"a":"1","b":"2"}`)
	const networks = "endpoints.public.authorizedNetworks"
	for _, tt := range []struct{ name, mask, cluster, text string }{
		{"name", "displayName", `{"displayName":"renamed"}`, `"displayName":"renamed"`},
		{"labels are added", "labels", `{"labels":{"b":"3","example.com/c":"4"}}`, `"labels":{"a":"1","b":"3","example.com/c":"4",` + reservedLabels + `}`},
		{"labels written back", "labels", `{"labels":{` + reservedLabels + `,"z":"1"}}`, reservedLabels + `,"z":"1"}`},
		{"limit", "spendingLimit.monthly", `{"spendingLimit":{"monthly":500}}`, `"spendingLimit":{"monthly":500}`},
		{"disabled", "endpoints.public.disabled", `{"endpoints":{"public":{"disabled":true}}}`, `"disabled":true`},
		{"enabled", "endpoints.public.disabled", `{"endpoints":{"public":{"disabled":false}}}`, `"disabled":false`},
		{"networks", networks, `{"endpoints":{"public":{"authorizedNetworks":[{"startIpAddress":"1.1.1.1","endIpAddress":"1.1.1.1","displayName":"x"}]}}}`, `"authorizedNetworks":[{"startIpAddress":"1.1.1.1",`},
		{"no networks", networks, `{"endpoints":{"public":{"authorizedNetworks":[]}}}`, `"authorizedNetworks":[]`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := c.in(t)
			before := c.do("GET", clusterPath(id), "").want(200)
			clock.Advance(time.Second)
			a := c.do("PATCH", clusterPath(id), fmt.Sprintf(`{"cluster":%s,"updateMask":%q}`, tt.cluster, tt.mask)).want(200, tt.text)
			after := c.do("GET", clusterPath(id), "").want(200)
			after.wantSame(a)
			if after.str("updateTime") == before.str("updateTime") {
				t.Errorf("updateTime is still %s", before.str("updateTime"))
			}
		})
	}
}
