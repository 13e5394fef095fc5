package provider_test

import (
	"maps"
	"testing"
	"testing/synctest"
	"time"

	presource "github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/property"

	"portfolio-infra/internal/provider"
	"portfolio-infra/internal/sandbox/emulator/tidbcloud"
	"portfolio-infra/internal/testcheck"
)

const (
	clusterType = "tidbcloud:index:Cluster"
	tokyo       = "regions/aws-ap-northeast-1"
	virginia    = "regions/aws-us-east-1"
	owner       = "portfolio.dev"
)

// ours are the labels of a cluster that was made for the owner.
var ours = map[string]string{provider.OwnerLabel: owner, provider.MadeForLabel: owner}

// db is the inputs of most tests, with changes: a nil value takes one away.
func db(changes map[string]any) property.Map {
	values := map[string]any{"displayName": "portfolio-db", "region": tokyo, "owner": owner, "deletionProtection": false}
	maps.Copy(values, changes)
	return inputs(values)
}

func inputs(values map[string]any) property.Map {
	values = maps.Clone(values)
	maps.DeleteFunc(values, func(_ string, value any) bool { return value == nil })
	return presource.FromResourcePropertyMap(presource.NewPropertyMapFromMap(values))
}

// unknown is a value that a preview does not know yet.
var unknown = presource.MakeComputed(presource.NewProperty(""))

func network(name, first, last string) map[string]any {
	return map[string]any{"displayName": name, "startIpAddress": first, "endIpAddress": last}
}

var (
	home = network("home", "192.0.2.1", "192.0.2.9")
	work = network("work", "198.51.100.1", "198.51.100.1")

	// full is all that can be set of a live cluster.
	full = map[string]any{"labels": map[string]any{"team": "web"}, "spendingLimitMonthly": 500, "authorizedNetworks": []any{home, work}}
)

// changed is full with a change.
func changed(key string, value any) map[string]any {
	m := maps.Clone(full)
	m[key] = value
	return m
}

// inBubble runs a test with an emulated cloud in a bubble, where waits take no time.
func inBubble(f func(t *testing.T, c *cloud, e *engine)) func(*testing.T) {
	return func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := newCloud()
			f(t, c, newEngine(t, c, clusterType))
		})
	}
}

// withDB is inBubble with a cluster that the engine created.
func withDB(inputs property.Map, f func(t *testing.T, c *cloud, e *engine)) func(*testing.T) {
	return inBubble(func(t *testing.T, c *cloud, e *engine) {
		e.steps(inputs, "create")
		c.called()
		e.log.clear()
		f(t, c, e)
	})
}

// The calls of a cluster's life, and what each leaves.
func TestCluster_calls(t *testing.T) {
	inBubble(func(t *testing.T, c *cloud, e *engine) {
		step := func(inputs property.Map, want string, calls ...string) {
			t.Helper()
			e.steps(inputs, want)
			same(t, "calls of "+want, c.called(), calls)
			e.unchanged()
			c.called()
		}
		const get, list, patch = "GET /clusters/*", "GET /clusters", "PATCH /clusters/* "
		start := time.Now()
		step(db(nil), "create", list, "GET /regions", list, "GET /regions", "POST /clusters", list,
			get, get, get, get, get, get, get, get, get, get, get)
		within(t, start, 10500*time.Millisecond)
		live := c.only()
		for key, want := range map[string]string{"clusterId": live.ClusterID, "host": live.Endpoints.Public.Host, "userPrefix": live.UserPrefix, "version": live.Version, "region": tokyo} {
			if got := e.out(key); got != want || got == "" {
				t.Errorf("%s is %q, want %q", key, got, want)
			}
		}
		if !e.log.has("status", "cluster portfolio-db is CREATING, 0 s") || !e.log.has("status", "CREATING, 9 s") {
			t.Errorf("shown:\n%s", e.log.all())
		}
		step(db(nil), "same", get)
		step(db(map[string]any{"displayName": "portfolio-db-2"}), "update", get, list, get, patch+"displayName", get)
		step(db(changed("displayName", "portfolio-db-2")), "update",
			get, get, patch+"labels", patch+"spendingLimit.monthly", patch+"endpoints.public.authorizedNetworks", get)
		same(t, "labels", c.only().Labels, map[string]string{provider.OwnerLabel: owner, provider.MadeForLabel: owner, "team": "web",
			"tidb.cloud/organization": tidbcloud.Organization, "tidb.cloud/project": tidbcloud.DefaultProject})
		// No official client lifts a limit, so it is kept.
		less := map[string]any{"displayName": "portfolio-db-2", "labels": full["labels"], "createTimeoutSeconds": 60}
		step(db(less), "update", get, get)
		if got := c.only().SpendingLimit.Monthly; got != 500 {
			t.Errorf("spending limit %v", got)
		}
		less["projectId"] = "7"
		step(db(less), "update", get, get)
		id := e.id
		e.steps(db(map[string]any{"region": virginia}), "replace", "same")
		if e.id == id || c.only().ClusterID != e.id {
			t.Errorf("%s became %s, there is %s", id, e.id, c.only().ClusterID)
		}
		if err := e.delete(); err != nil || len(c.alive()) != 0 {
			t.Errorf("%d clusters: %v", len(c.alive()), err)
		}
	})(t)
}

// The cluster and its user through a life, on clouds of unusual kinds.
func TestProvider_life(t *testing.T) {
	for name, kind := range map[string]func(*tidbcloud.Cloud){
		"ACTIVE at once, 403 after delete": func(c *tidbcloud.Cloud) { c.CreateTime, c.ForbidAfterDelete = -1, true },
		"few requests, short nonces":       func(c *tidbcloud.Cloud) { c.RateLimit, c.NonceLifetime = 20, 2*time.Second },
	} {
		t.Run(name, inBubble(func(t *testing.T, c *cloud, cluster *engine) {
			kind(c.Cloud)
			step := func(e *engine, inputs property.Map, want string) {
				t.Helper()
				e.steps(inputs, want, "same")
				e.unchanged()
			}
			all := changed("projectId", tidbcloud.DefaultProject)
			step(cluster, db(all), "create")
			all["displayName"], all["spendingLimitMonthly"] = "another", 900
			step(cluster, db(all), "update")
			team := map[string]any{"labels": full["labels"]}
			step(cluster, db(team), "update")
			cluster.tryUp(db(nil), "still has labels that were removed from labels: team;", "remove them in its console, or put them back")
			step(cluster, db(team), "same")

			user := configured(t, c, provider.Options{Dial: anyLogin}, userType, keys)
			step(user, api(cluster.id, nil), "create")
			for _, changes := range []map[string]any{{"role": "role_admin"}, {"role": "role_readonly", "rotation": "2"}, {"rotation": "3"}} {
				step(user, api(cluster.id, changes), "update")
				agrees(t, c, user)
			}
			if err := user.delete(); err != nil || len(c.users(cluster.id)) > 0 {
				t.Errorf("users %v: %v", c.users(cluster.id), err)
			}
			step(cluster, db(map[string]any{"region": virginia}), "replace")
			err := cluster.delete()
			time.Sleep(time.Minute) // a 403 is as good as gone, a little before it is
			if err != nil || len(c.Clusters()) != 0 {
				t.Errorf("%d clusters: %v", len(c.Clusters()), err)
			}
		}))
	}
}

// A preview reads and never writes.
func TestCluster_preview(t *testing.T) {
	inBubble(func(t *testing.T, c *cloud, e *engine) {
		outputs, err := e.preview(db(nil))
		if err != nil || !outputs.Get("host").IsComputed() || !outputs.Get("clusterId").IsComputed() || outputs.Get("displayName").IsComputed() {
			t.Errorf("previewed %v: %v", outputs, err)
		}
		same(t, "calls", c.called(), []string{"GET /clusters", "GET /regions"})
		e.steps(db(nil), "create")
		c.called()
		outputs, err = e.preview(db(map[string]any{"displayName": "another"}))
		if err != nil || outputs.Get("host").AsString() != e.out("host") || outputs.Get("displayName").AsString() != "another" {
			t.Errorf("previewed %v: %v", outputs, err)
		}
		same(t, "calls", c.called(), nil)
	})(t)
}

// The first preview does not know the owner. It sees each conflict that does not depend on it.
func TestCluster_preview_unknownOwner(t *testing.T) {
	named := map[string]any{"owner": unknown}
	adopt := map[string]any{"owner": unknown, "adopt": true}
	for _, tt := range []struct {
		name    string
		labels  map[string]string
		to      map[string]any
		wantErr string
	}{
		{"nobody's", nil, named, "it does not belong to this stack"},
		{"nobody's, adopted", nil, adopt, ""},
		{"released", map[string]string{provider.OwnerLabel: provider.FreeOwner}, named, "it does not belong to this stack"},
		{"another stack's", map[string]string{provider.OwnerLabel: "blog.prod"}, named, `belongs to "blog.prod"`},
		{"another stack's, adopted", map[string]string{provider.OwnerLabel: "blog.prod"}, adopt, `belongs to "blog.prod"`},
		{"adopted, in another region", nil, map[string]any{"owner": unknown, "adopt": true, "region": virginia}, "can be adopted"},
	} {
		t.Run(tt.name, inBubble(func(t *testing.T, c *cloud, e *engine) {
			if _, err := e.preview(db(tt.to)); err != nil {
				t.Errorf("without another cluster: %v", err)
			}
			c.add("portfolio-db", tokyo, tt.labels, time.Now().Add(-time.Hour))
			_, err := e.preview(db(tt.to))
			testcheck.Error(t, err, tt.wantErr)
		}))
	}
	withDB(db(nil), func(t *testing.T, c *cloud, e *engine) {
		e.wantDiff(db(named), "owner update")
		if outputs, err := e.preview(db(named)); err != nil || outputs.Get("host").IsComputed() {
			t.Errorf("previewed %v: %v", outputs, err)
		}
		e.steps(db(nil), "same")
		labeling(provider.OwnerLabel, "blog.prod")(c, e.id)
		e.tryDiff(db(named), `belongs to "blog.prod" now`)
	})(t)
}
