package tidbcloud_test

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"portfolio-infra/internal/sandbox/emulator/tidbcloud"
)

func TestCluster_create(t *testing.T) {
	c := serve(t, newCloud())
	a := c.do("POST", "/v1beta1/clusters", `{
		"displayName": "portfolio-db", `+tokyo+`,
		"labels": {"pulumi.com/owner": "portfolio.dev", "env": ""},
		"spendingLimit": {"monthly": 1000},
		"rootPassword": "correct horse",
		"automatedBackupPolicy": {"startTime": "23:59", "retentionDays": 7},
		"endpoints": {"public": {"disabled": true, "authorizedNetworks": [
			{"startIpAddress": "10.0.0.1", "endIpAddress": "10.0.0.9", "displayName": "office"}]}},
		"encryptionConfig": {"enhancedEncryptionEnabled": true},
		"highAvailabilityType": "REGIONAL",
		"auditLogConfig": null
	}`).want(200)
	id := a.str("clusterId")
	if !regexp.MustCompile(`^[1-9][0-9]{18,19}$`).MatchString(id) || a.str("name") != "clusters/"+id {
		t.Errorf("id %q, name %q", id, a.str("name"))
	}
	if prefix := a.str("userPrefix"); !regexp.MustCompile(`^[1-9A-HJ-NP-Za-km-z]{15}$`).MatchString(prefix) {
		t.Errorf("userPrefix is %q", prefix)
	}
	for path, want := range map[string]any{
		"displayName":                                "portfolio-db",
		"state":                                      "ACTIVE",
		"region/name":                                "regions/aws-ap-northeast-1",
		"region/regionId":                            "aws-ap-northeast-1",
		"region/displayName":                         "Tokyo (ap-northeast-1)",
		"region/cloudProvider":                       "aws",
		"labels/env":                                 "",
		"labels/tidb.cloud/organization":             nil, // the key has a slash, see below
		"spendingLimit/monthly":                      1000.0,
		"automatedBackupPolicy/startTime":            "23:59",
		"automatedBackupPolicy/retentionDays":        7.0,
		"endpoints/public/host":                      "gateway01.ap-northeast-1.prod.aws.tidbcloud.com",
		"endpoints/public/port":                      4000.0,
		"endpoints/public/disabled":                  true,
		"encryptionConfig/enhancedEncryptionEnabled": true,
		"highAvailabilityType":                       "REGIONAL",
		"clusterPlan":                                "STARTER",
		"servicePlan":                                "Starter",
		"createdBy":                                  "apikey",
		"rootPassword":                               nil,
	} {
		if got := a.at(path); got != want {
			t.Errorf("%s is %v, want %v", path, got, want)
		}
	}
	a.want(200,
		`"tidb.cloud/organization":"`+tidbcloud.Organization+`"`, `"tidb.cloud/project":"`+tidbcloud.DefaultProject+`"`, `"pulumi.com/owner":"portfolio.dev"`,
		`"authorizedNetworks":[{"startIpAddress":"10.0.0.1","endIpAddress":"10.0.0.9","displayName":"office"}]`,
		`"tidb.cloud/has-set-password":"true"`)
	if b := c.do("GET", clusterPath(id), "").want(200); b.raw != a.raw {
		t.Errorf("GET differs from the answer to POST:\n%s\n%s", b.raw, a.raw)
	}
}

func TestCluster_create_defaults(t *testing.T) {
	c := serve(t, newCloud())
	c.do("POST", "/v1beta1/clusters", `{"displayName":"abcd","region":{"name":"regions/alicloud-ap-southeast-1"}}`).want(200,
		`"spendingLimit":{"monthly":0}`, `"automatedBackupPolicy":{"startTime":"07:00","retentionDays":1}`,
		`"startIpAddress":"0.0.0.0","endIpAddress":"255.255.255.255"`, `"tidb.cloud/has-set-password":"false"`, `"highAvailabilityType":"ZONAL"`,
		`"host":"gateway01.ap-southeast-1.prod.alicloud.tidbcloud.com","port":4000,"disabled":false`, `"alicloud":{"serviceName":`)
	c.create("abcd", "") // names need not be unique
}

func TestCluster_create_refusals(t *testing.T) {
	cluster := func(more string) string { return `{"displayName":"portfolio-db",` + tokyo + more + `}` }
	networks := func(list string) string {
		return cluster(`,"endpoints":{"public":{"authorizedNetworks":[` + list + `]}}`)
	}
	tests := map[string]struct{ body, text string }{
		"no body":              {"", "body"},
		"no JSON":              {"{", "body"},
		"an array":             {"[]", "body"},
		"two values":           {cluster("") + "{}", "more than one"},
		"no name":              {`{` + tokyo + `}`, "displayName"},
		"null name":            {`{"displayName":null,` + tokyo + `}`, "displayName"},
		"short name":           {`{"displayName":"abc",` + tokyo + `}`, "displayName"},
		"long name":            {`{"displayName":"` + strings.Repeat("a", 65) + `",` + tokyo + `}`, "displayName"},
		"name_with_underscore": {`{"displayName":"portfolio_db",` + tokyo + `}`, "displayName"},
		"name ends in a dash":  {`{"displayName":"portfolio-",` + tokyo + `}`, "displayName"},
		"no region":            {`{"displayName":"portfolio-db"}`, "region.name"},
		"empty region":         {`{"displayName":"portfolio-db","region":{}}`, "region.name"},
		"unknown region":       {`{"displayName":"portfolio-db","region":{"name":"regions/aws-mars-1"}}`, "regions/aws-mars-1"},
		"region without regions/": {
			`{"displayName":"portfolio-db","region":{"name":"aws-us-east-1"}}`, "aws-us-east-1",
		},
		"unknown field":           {cluster(`,"colour":"red"`), "colour"},
		"field in another case":   {cluster(`,"Labels":{}`), "Labels"},
		"inner field likewise":    {cluster(`,"spendingLimit":{"Monthly":1}`), "Monthly"},
		"field of a list's item":  {networks(`{"startIPAddress":"1.1.1.1","endIpAddress":"1.1.1.2","displayName":"x"}`), "startIPAddress"},
		"field in snake case":     {`{"display_name":"portfolio-db",` + tokyo + `}`, "display_name"},
		"read-only state":         {cluster(`,"state":"ACTIVE"`), "state"},
		"read-only id":            {cluster(`,"clusterId":"1"`), "clusterId"},
		"read-only region part":   {`{"displayName":"portfolio-db","region":{"name":"regions/aws-us-east-1","provider":"aws"}}`, "provider"},
		"read-only host":          {cluster(`,"endpoints":{"public":{"host":"x"}}`), "host"},
		"another plan's field":    {cluster(`,"autoScaling":{"minRcu":2000}`), "autoScaling"},
		"number for text":         {`{"displayName":1,` + tokyo + `}`, "displayName"},
		"text for number":         {cluster(`,"spendingLimit":{"monthly":"1"}`), "monthly"},
		"no limit at all":         {cluster(`,"spendingLimit":{"monthly":0}`), "spendingLimit.monthly"},
		"negative limit":          {cluster(`,"spendingLimit":{"monthly":-1}`), "spendingLimit.monthly"},
		"empty limit":             {cluster(`,"spendingLimit":{}`), "spendingLimit.monthly"},
		"short password":          {cluster(`,"rootPassword":"seven77"`), "rootPassword"},
		"long password":           {cluster(`,"rootPassword":"` + strings.Repeat("p", 65) + `"`), "rootPassword"},
		"password of two lines":   {cluster(`,"rootPassword":"one two\nthree"`), "rootPassword"},
		"backup at noon":          {cluster(`,"automatedBackupPolicy":{"startTime":"12 o'clock"}`), "startTime"},
		"backup at 24:00":         {cluster(`,"automatedBackupPolicy":{"startTime":"24:00"}`), "startTime"},
		"backup at 7:00":          {cluster(`,"automatedBackupPolicy":{"startTime":"7:00"}`), "startTime"},
		"no retention":            {cluster(`,"automatedBackupPolicy":{"retentionDays":0}`), "retentionDays"},
		"network without a name":  {networks(`{"startIpAddress":"1.1.1.1","endIpAddress":"1.1.1.2"}`), "displayName"},
		"network of no addresses": {networks(`{"startIpAddress":"1.1.1.0/24","endIpAddress":"1.1.1.2","displayName":"x"}`), "1.1.1.0/24"},
		"network of IPv6":         {networks(`{"startIpAddress":"::1","endIpAddress":"::2","displayName":"x"}`), "IPv4"},
		"network backwards":       {networks(`{"startIpAddress":"1.1.1.2","endIpAddress":"1.1.1.1","displayName":"x"}`), "1.1.1.2"},
		"availability":            {cluster(`,"highAvailabilityType":"GLOBAL"`), "GLOBAL"},
		"unknown project":         {cluster(`,"labels":{"tidb.cloud/project":"42"}`), "42"},
		"another organization":    {cluster(`,"labels":{"tidb.cloud/organization":"42"}`), "tidb.cloud/organization"},
		"reserved label":          {cluster(`,"labels":{"tidb.cloud/x":"y"}`), "tidb.cloud/x"},
		"empty key":               {cluster(`,"labels":{"":"y"}`), "label"},
		"key with a space":        {cluster(`,"labels":{"a b":"y"}`), "a b"},
		"key with two slashes":    {cluster(`,"labels":{"a/b/c":"y"}`), "a/b/c"},
		"key with empty name":     {cluster(`,"labels":{"example.com/":"y"}`), "example.com/"},
		"key with odd prefix":     {cluster(`,"labels":{"Example.com/x":"y"}`), "Example.com/x"},
		"long key":                {cluster(`,"labels":{"` + strings.Repeat("k", 64) + `":"y"}`), "kkk"},
		"long value":              {cluster(`,"labels":{"k":"` + strings.Repeat("v", 64) + `"}`), "vvv"},
		"value with a slash":      {cluster(`,"labels":{"k":"a/b"}`), "a/b"},
	}
	cloud := newCloud()
	c := serve(t, cloud)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := &client{t: t, url: c.url, http: c.http}
			c.do("POST", "/v1beta1/clusters", tt.body).want(400, `"code":400`, strings.ReplaceAll(tt.text, `"`, `\"`))
		})
	}
	if n := len(cloud.Clusters()); n != 0 {
		t.Errorf("refused requests made %d clusters", n)
	}
}

func TestCluster_quota(t *testing.T) {
	ticks, cloud := newClock(), newCloud()
	cloud.Now, cloud.MaxClusters = ticks.Now, 0
	c := serve(t, cloud)
	var ids []string
	for i := range 5 {
		ids = append(ids, c.create(fmt.Sprintf("cluster-%d", i), ""))
	}
	body := `{"displayName":"one-too-many",` + tokyo + `}`
	c.do("POST", "/v1beta1/clusters", body).want(400, "quota", "maximum number of free clusters is 5")
	c.create("paid", `,"spendingLimit":{"monthly":1}`) // does not count
	c.do("POST", "/v1beta1/clusters", body).want(400)
	c.do("DELETE", clusterPath(ids[0]), "").want(200)
	c.do("POST", "/v1beta1/clusters", body).want(200)
}

func TestCluster_projects(t *testing.T) {
	cloud := newCloud()
	cloud.Projects = []string{"111", "222"}
	c := serve(t, cloud)
	c.create("first", "")
	c.create("second", `,"labels":{"tidb.cloud/project":"222","tidb.cloud/organization":"`+tidbcloud.Organization+`"}`)
	for project, want := range map[string]string{"111": "first", "222": "second"} {
		if got := c.list("projectId=" + project); !slices.Equal(got, []string{want}) {
			t.Errorf("project %s has %v, want %s", project, got, want)
		}
	}
}

func TestCluster_life(t *testing.T) {
	ticks := newClock()
	cloud := &tidbcloud.Cloud{PublicKey: publicKey, PrivateKey: privateKey, Now: ticks.Now}
	c := serve(t, cloud)
	id := c.create("cluster", `,"rootPassword":"correct horse"`)
	get := func() answer { t.Helper(); return c.do("GET", clusterPath(id), "") }

	for range 3 {
		a := get().want(200, `"state":"CREATING"`, `"host":"","port":0`, `"userPrefix":""`)
		if a.str("updateTime") != "2026-03-01T12:00:00Z" || a.at("endpoints/private") != nil {
			t.Errorf("a new cluster is %s", a.raw)
		}
		for _, refused := range []answer{
			c.do("PATCH", clusterPath(id), `{"cluster":{"displayName":"renamed"},"updateMask":"displayName"}`),
			c.do("PUT", clusterPath(id, "password"), `{"password":"correct horse"}`),
			c.do("GET", clusterPath(id, "sqlUsers"), ""),
		} {
			refused.want(400, "CREATING, not ACTIVE")
		}
		ticks.Advance(900 * time.Millisecond)
	}
	ticks.Advance(300 * time.Millisecond)
	a := get().want(200, `"state":"ACTIVE"`)
	if a.str("updateTime") != "2026-03-01T12:00:03Z" || a.str("endpoints/public/host") == "" || a.str("userPrefix") == "" || a.at("endpoints/public/port") != 4000.0 {
		t.Errorf("an active cluster is %s", a.raw)
	}

	for range 2 { // a second DELETE answers like the first
		c.do("DELETE", clusterPath(id), "").want(200, `"state":"DELETING"`)
	}
	get().want(200, `"state":"DELETING"`)
	c.do("PATCH", clusterPath(id), `{"cluster":{"displayName":"renamed"},"updateMask":"displayName"}`).want(400, "DELETING")
	if got := c.list(`state="DELETING"`); !slices.Equal(got, []string{"cluster"}) {
		t.Errorf("deleting are %v", got)
	}
	ticks.Advance(time.Second)
	get().want(404, `"code":404`, id)
	c.do("DELETE", clusterPath(id), "").want(404)
	c.do("GET", clusterPath(id, "sqlUsers"), "").want(404, `"status":404`)
	if got := c.list(""); len(got) != 0 {
		t.Errorf("left are %v", got)
	}
}

func TestCluster_life_forbidAfterDelete(t *testing.T) {
	ticks, cloud := newClock(), newCloud()
	cloud.Now, cloud.ForbidAfterDelete, cloud.DeleteTime = ticks.Now, true, time.Minute
	c := serve(t, cloud)
	id := c.create("cluster", "")
	c.do("DELETE", clusterPath(id), "").want(200, `"state":"DELETING"`)
	c.do("GET", clusterPath(id), "").want(403, `"code":403`)
	c.do("DELETE", clusterPath(id), "").want(403)
	c.do("GET", clusterPath(id, "sqlUsers"), "").want(403, `"status":403`)
	if got := c.list(""); len(got) != 0 {
		t.Errorf("the list shows %v", got)
	}
	ticks.Advance(time.Minute)
	c.do("GET", clusterPath(id), "").want(404)
}

func TestCluster_life_goneAtOnce(t *testing.T) {
	cloud := newCloud()
	cloud.DeleteTime = -1
	c := serve(t, cloud)
	id := c.create("cluster", "")
	c.do("DELETE", clusterPath(id), "").want(200, `"state":"DELETING"`)
	c.do("GET", clusterPath(id), "").want(404)
}

func TestCloud_SetState(t *testing.T) {
	ticks := newClock()
	cloud := &tidbcloud.Cloud{PublicKey: publicKey, PrivateKey: privateKey, Now: ticks.Now}
	c := serve(t, cloud)
	id := c.create("cluster", "")
	set := func(st string) {
		t.Helper()
		if err := cloud.SetState(id, st); err != nil {
			t.Fatal(err)
		}
	}
	get := func() answer { t.Helper(); return c.do("GET", clusterPath(id), "").want(200) }

	set("CREATING")
	ticks.Advance(time.Hour)
	get().want(200, `"state":"CREATING"`, `"host":""`, `"userPrefix":""`)
	for _, st := range []string{"INACTIVE", "MAINTENANCE", "SHAPESHIFTING"} {
		set(st)
		get().want(200, `"state":"`+st+`"`, `"host":"gateway01.`)
		c.do("PATCH", clusterPath(id), `{"cluster":{"labels":{}},"updateMask":"labels"}`).want(400, st)
	}
	set("")
	get().want(200, `"state":"ACTIVE"`)

	c.do("DELETE", clusterPath(id), "").want(200, `"state":"DELETING"`)
	set("DELETING")
	ticks.Advance(time.Hour)
	get().want(200, `"state":"DELETING"`)
	set("")
	c.do("GET", clusterPath(id), "").want(404)
	for _, unknown := range []string{id, "10000000000000000000", "x"} {
		if cloud.SetState(unknown, "ACTIVE") == nil {
			t.Errorf("cluster %s got a state", unknown)
		}
	}

	id = c.create("another", "")
	set("ACTIVE") // before its time
	get().want(200, `"state":"ACTIVE"`, `"host":"gateway01.`, `"updateTime":"2026-03-01T14:00:00Z"`)
	set("INACTIVE")
	c.do("DELETE", clusterPath(id), "").want(200, `"state":"DELETING"`)
}

func TestCloud_Endpoint(t *testing.T) {
	cloud := newCloud()
	host := ""
	var asked []string
	cloud.Endpoint = func(id string) (string, int) {
		asked = append(asked, id)
		return host, len(host) * 1000
	}
	c := serve(t, cloud)
	id := c.create("cluster", "")
	c.do("GET", clusterPath(id), "").want(200, `"state":"ACTIVE"`, `"host":"","port":0`)
	host = "127.0.0.1"
	c.do("GET", clusterPath(id), "").want(200, `"host":"127.0.0.1","port":9000`)
	if len(asked) != 3 || asked[2] != id {
		t.Errorf("asked for %v", asked)
	}
}

func TestCluster_get(t *testing.T) {
	c := serve(t, newCloud())
	id := c.create("cluster", "")
	full := c.do("GET", clusterPath(id)+"?view=FULL", "").want(200, `"spendingLimit"`, `"automatedBackupPolicy"`)
	if plain := c.do("GET", clusterPath(id), "").want(200); plain.raw != full.raw {
		t.Errorf("without a view:\n%s\nwith FULL:\n%s", plain.raw, full.raw)
	}
	basic := c.do("GET", clusterPath(id)+"?view=BASIC", "").want(200, `"userPrefix"`, `"endpoints"`, `"labels"`)
	if basic.at("spendingLimit") != nil || basic.at("automatedBackupPolicy") != nil {
		t.Errorf("BASIC shows settings: %s", basic.raw)
	}
	c.do("GET", clusterPath(id)+"?view=basic", "").want(400, "basic")
	c.do("GET", clusterPath("10000000000000000000"), "").want(404, `"code":404`, "10000000000000000000", `"details":[]`)
	for _, malformed := range []string{"x", "42", "0000000000000000000", "100000000000000000000", id + "%20", "a%2Fb"} {
		c.do("GET", clusterPath(malformed), "").want(400, "cluster id")
	}
}

func TestCluster_update(t *testing.T) {
	cloud := newCloud()
	ticks := newClock()
	cloud.Now = ticks.Now
	c := serve(t, cloud)
	id := c.create("cluster", `,"labels":{"a":"1","b":"2"}`)
	reserved := `"tidb.cloud/organization":"` + tidbcloud.Organization + `","tidb.cloud/project":"` + tidbcloud.DefaultProject + `"`
	tests := []struct {
		name, mask, cluster string
		status              int
		texts               []string
	}{
		{"name", "displayName", `{"displayName":"renamed"}`, 200, []string{`"displayName":"renamed"`}},
		{"name, same", "displayName", `{"displayName":"renamed"}`, 200, nil},
		{"name, bad", "displayName", `{"displayName":"-"}`, 400, []string{"displayName"}},
		{"labels are added and updated", "labels", `{"labels":{"b":"3","example.com/c":"4"}}`, 200, []string{`"labels":{"a":"1","b":"3","example.com/c":"4",` + reserved + `}`}},
		{"labels, written back", "labels", `{"labels":{` + reserved + `,"z":"1"}}`, 200, []string{reserved + `,"z":"1"}`}},
		{"labels, none", "labels", `{"labels":{}}`, 200, []string{`"labels":{"a":"1",`}},
		{"labels, another project", "labels", `{"labels":{"tidb.cloud/project":"9"}}`, 400, []string{"tidb.cloud/project"}},
		{"labels, reserved", "labels", `{"labels":{"tidb.cloud/own":"9"}}`, 400, []string{"tidb.cloud/own"}},
		{"labels, bad", "labels", `{"labels":{"ok":"1","b d":"9"}}`, 400, []string{"b d"}},
		{"limit", "spendingLimit.monthly", `{"spendingLimit":{"monthly":500}}`, 200, []string{`"spendingLimit":{"monthly":500}`}},
		{"limit, zero", "spendingLimit.monthly", `{"spendingLimit":{"monthly":0}}`, 400, []string{"monthly"}},
		{"limit, whole", "spendingLimit", `{"spendingLimit":{"monthly":500}}`, 400, []string{"spendingLimit.monthly"}},
		{"limit, bad", "spendingLimit.monthly", `{"spendingLimit":{"monthly":-5}}`, 400, []string{"monthly"}},
		{"disabled", "endpoints.public.disabled", `{"endpoints":{"public":{"disabled":true}}}`, 200, []string{`"disabled":true`}},
		{"enabled", "endpoints.public.disabled", `{"endpoints":{"public":{"disabled":false}}}`, 200, []string{`"disabled":false`}},
		{
			"networks", "endpoints.public.authorizedNetworks",
			`{"endpoints":{"public":{"authorizedNetworks":[{"startIpAddress":"1.1.1.1","endIpAddress":"1.1.1.1","displayName":"x"}]}}}`,
			200, []string{`"authorizedNetworks":[{"startIpAddress":"1.1.1.1","endIpAddress":"1.1.1.1","displayName":"x"}]`},
		},
		{"networks, none", "endpoints.public.authorizedNetworks", `{"endpoints":{"public":{"authorizedNetworks":[]}}}`, 200, []string{`"authorizedNetworks":[]`}},
		{"backup", "automatedBackupPolicy", `{"automatedBackupPolicy":{"startTime":"02:30"}}`, 200, []string{`{"startTime":"02:30","retentionDays":1}`}},
		{"backup, other half", "automatedBackupPolicy", `{"automatedBackupPolicy":{"retentionDays":14}}`, 200, []string{`{"startTime":"02:30","retentionDays":14}`}},
		{"two masks", "displayName,labels", `{"displayName":"other","labels":{}}`, 400, []string{"displayName,labels"}},
		{"star", "*", `{"displayName":"other"}`, 400, []string{"*"}},
		{"empty mask", "", `{"displayName":"other"}`, 400, []string{"updateMask"}},
		{"mask in snake case", "display_name", `{"displayName":"other"}`, 400, []string{"display_name"}},
		{"immutable", "region", `{"displayName":"other"}`, 400, []string{"region"}},
		{"immutable in the body", "displayName", `{"displayName":"other","region":{"name":"x"}}`, 400, []string{"region"}},
		{"outside of the mask", "displayName", `{"displayName":"other","labels":{}}`, 400, []string{"labels"}},
		{"outside of the mask, inner", "endpoints.public.disabled", `{"endpoints":{"public":{"disabled":true,"authorizedNetworks":[]}}}`, 400, []string{"authorizedNetworks"}},
		{"mask without the field", "displayName", `{}`, 400, []string{"displayName"}},
		{"mask without the inner field", "endpoints.public.disabled", `{"endpoints":{"public":{}}}`, 400, []string{"endpoints.public.disabled"}},
		{"read-only", "displayName", `{"displayName":"other","state":"ACTIVE"}`, 400, []string{"state"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := &client{t: t, url: c.url, http: c.http}
			before := c.do("GET", clusterPath(id), "").want(200)
			ticks.Advance(time.Second)
			a := c.do("PATCH", clusterPath(id), fmt.Sprintf(`{"cluster":%s,"updateMask":%q}`, tt.cluster, tt.mask)).want(tt.status, tt.texts...)
			after := c.do("GET", clusterPath(id), "").want(200)
			if tt.status == 200 && (after.raw != a.raw || after.str("updateTime") == before.str("updateTime")) {
				t.Errorf("PATCH answered %s, GET %s", a.raw, after.raw)
			}
			if tt.status != 200 && after.raw != before.raw {
				t.Errorf("a refused PATCH changed\n%s to\n%s", before.raw, after.raw)
			}
		})
	}
	for body, text := range map[string]string{
		`{"cluster":{"displayName":"other"}}`:                                 "updateMask",
		`{"updateMask":"displayName"}`:                                        "cluster",
		`{"cluster":{"displayName":"o"},"updateMask":"displayName","x":1}`:    "x",
		`{"cluster":{"displayName":"other"},"updateMask":["displayName"]}`:    "updateMask",
		`{"cluster":{"DisplayName":"other"},"updateMask":"displayName"}`:      "DisplayName",
		`{"displayName":"other","updateMask":"displayName"}`:                  "displayName",
		`{"cluster":{"displayName":"other"},"update_mask":"displayName"}`:     "update_mask",
		`{"cluster":{"displayName":"other"},"updateMask":"displayName"} null`: "more than one",
	} {
		c.do("PATCH", clusterPath(id), body).want(400, text)
	}
	c.do("PATCH", clusterPath("10000000000000000000"), `{"cluster":{"labels":{}},"updateMask":"labels"}`).want(404)
}

func TestCluster_rootPassword(t *testing.T) {
	cloud := newCloud()
	c := serve(t, cloud)
	id := c.create("cluster", "")
	root := cloud.Clusters()[0].UserPrefix + ".root"
	if cloud.CheckPassword(id, root, "") {
		t.Error("root can log in before it has a password")
	}
	for _, body := range []string{`{}`, `{"password":"short"}`, `{"password":null}`, `{"Password":"correct horse"}`, `{"password":"correct horse","user":"root"}`} {
		c.do("PUT", clusterPath(id, "password"), body).want(400)
	}
	if a := c.do("PUT", clusterPath(id, "password"), `{"password":"correct horse"}`).want(200); a.raw != "{}" {
		t.Errorf("the answer is %s", a.raw)
	}
	c.do("GET", clusterPath(id), "").want(200, `"tidb.cloud/has-set-password":"true"`)
	for password, want := range map[string]bool{"correct horse": true, "wrong horse": false, "": false} {
		if got := cloud.CheckPassword(id, root, password); got != want {
			t.Errorf("password %q: %v, want %v", password, got, want)
		}
	}
	c.do("PUT", clusterPath("10000000000000000000", "password"), `{"password":"correct horse"}`).want(404)
}

func TestCluster_list_filters(t *testing.T) {
	ticks := newClock()
	cloud := &tidbcloud.Cloud{PublicKey: publicKey, PrivateKey: privateKey, Now: ticks.Now}
	c := serve(t, cloud)
	one := c.create("one1", `,"labels":{"pulumi.com/owner":"portfolio.dev","env":"dev"}`)
	c.create("two2", `,"labels":{"pulumi.com/owner":"other","env":"dev"}`)
	ticks.Advance(time.Minute)
	three := c.do("POST", "/v1beta1/clusters", `{"displayName":"three","region":{"name":"regions/alicloud-ap-southeast-1"}}`).want(200).str("clusterId")

	for filter, want := range map[string]string{
		"":                                       "one1 two2 three",
		"displayName=one1":                       "one1",
		`displayName="two2"`:                     "two2",
		"displayName=ONE1":                       "",
		"state=ACTIVE":                           "one1 two2",
		`state="CREATING"`:                       "three",
		"clusterId=" + one:                       "one1",
		"clusterId=" + one + "," + three:         "one1 three",
		"projectId=" + tidbcloud.DefaultProject:  "one1 two2 three",
		"projectId=1,2":                          "",
		"region.name=regions/aws-ap-northeast-1": "one1 two2",
		`region.name="regions/alicloud-ap-southeast-1"`:                "three",
		"region.provider=alicloud":                                     "three",
		"region.provider=gcp":                                          "",
		"labels.env=dev":                                               "one1 two2",
		"labels.pulumi.com/owner=portfolio.dev":                        "one1",
		`labels.pulumi.com/owner="portfolio.dev" AND displayName=one1`: "one1",
		"labels.pulumi.com/owner=portfolio.dev AND displayName=two2":   "",
		"labels.tidb.cloud/project=" + tidbcloud.DefaultProject:        "one1 two2 three",
		`region.provider="aws" AND state="ACTIVE" AND labels.env=dev`:  "one1 two2",
		`displayName="a b AND c"`:                                      "",
	} {
		if got := strings.Join(c.list(filter), " "); got != want {
			t.Errorf("filter %q: %q, want %q", filter, got, want)
		}
	}
	for _, malformed := range []string{
		"one1", "displayName", "displayName=", "displayName= one1", "displayName =one1", "displayName = one1", `displayName="one1`, `displayName="one1"x`,
		"=one1", "name=one1", "displayName:one1", "displayName!=one1", "displayName>a", "displayname=one1", "display_name=one1",
		"displayName=one1 and state=ACTIVE", "displayName=one1 OR state=ACTIVE", "displayName=one1 state=ACTIVE", "displayName=one1,state=ACTIVE",
		"displayName=one1 AND", "displayName=one1 AND ", "AND displayName=one1", "displayName=one1  AND state=ACTIVE",
		"displayName='one1'", "displayName=one*", "state=active", "state=SHAPESHIFTING", "region.provider=ibm", "region=x", "labels=x", "labels.=x", "labels.a b=x",
		"labels./x=y", "(displayName=one1)",
	} {
		c.do("GET", "/v1beta1/clusters?filter="+url.QueryEscape(malformed), "").want(400, "filter", "bizErrorCode")
	}
}

func TestCluster_list_pages(t *testing.T) {
	c := serve(t, newCloud())
	var all []string
	for i := range 12 {
		all = append(all, fmt.Sprintf("cluster-%02d", i))
		c.create(all[i], "")
	}
	walk := func(query string) (pages [][]string) {
		t.Helper()
		for token := ""; ; {
			a := c.do("GET", "/v1beta1/clusters?"+query+"&pageToken="+token, "").want(200, `"totalSize":12`)
			pages = append(pages, a.names("clusters", "displayName"))
			if token = a.str("nextPageToken"); token == "" {
				return pages
			}
		}
	}
	for query, want := range map[string]string{
		"":                             "10 2",
		"pageSize=0":                   "10 2",
		"pageSize=5":                   "5 5 2",
		"pageSize=6&orderBy=":          "6 6",
		"pageSize=12":                  "12",
		"pageSize=1000":                "12",
		"skip=4&pageSize=5":            "5 3",
		"skip=12":                      "0",
		"skip=100":                     "0",
		"filter=state%3DACTIVE&skip=2": "10",
	} {
		var sizes, names []string
		for _, page := range walk(query) {
			sizes = append(sizes, fmt.Sprint(len(page)))
			names = append(names, page...)
		}
		if got := strings.Join(sizes, " "); got != want {
			t.Errorf("%q: pages of %s, want %s", query, got, want)
		}
		if !slices.Equal(names, all[len(all)-len(names):]) {
			t.Errorf("%q: %v", query, names)
		}
	}

	token := c.do("GET", "/v1beta1/clusters?pageSize=5&filter=state%3DACTIVE", "").want(200).str("nextPageToken")
	next := "/v1beta1/clusters?pageSize=5&filter=state%3DACTIVE&pageToken=" + token
	c.do("GET", next, "").want(200, "cluster-05")
	for _, query := range []string{
		"pageSize=5&filter=state%3DACTIVE&pageToken=bm9uc2Vuc2U", "pageSize=5&filter=state%3DACTIVE&pageToken=!", // made up
		"pageToken=" + token, "pageSize=5&pageToken=" + token, "pageSize=6&filter=state%3DACTIVE&pageToken=" + token, // another list
		"pageSize=-1", "pageSize=x", "pageSize=1.5", "pageSize=99999999999", "skip=-1", "skip=x",
	} {
		c.do("GET", "/v1beta1/clusters?"+query, "").want(400)
	}

	// A cluster that went meanwhile does not shift the pages after it.
	first := c.do("GET", "/v1beta1/clusters?filter=displayName%3Dcluster-02", "").want(200)
	id := first.body["clusters"].([]any)[0].(map[string]any)["clusterId"].(string)
	c.do("DELETE", clusterPath(id), "").want(200)
	c.do("GET", next, "").want(200, "cluster-05")
}

func TestCluster_list_empty(t *testing.T) {
	c := serve(t, newCloud())
	if a := c.do("GET", "/v1beta1/clusters", "").want(200); a.raw != `{"clusters":[],"nextPageToken":"","totalSize":0}` {
		t.Errorf("an empty list is %s", a.raw)
	}
}
