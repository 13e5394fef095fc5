package provider_test

import (
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"portfolio-infra/internal/provider"
	"portfolio-infra/internal/sandbox/emulator/tidbcloud"
	"portfolio-infra/internal/testcheck"
)

const endpointMask = "endpoints.public.disabled"

// switchedOff is what somebody does in the console.
var switchedOff = patching(endpointMask, true)

// A preview shows that nobody can connect. If the cluster was made for the stack, a run switches the
// endpoint on.
func TestCluster_endpoint(t *testing.T) {
	withDB(db(nil), func(t *testing.T, c *cloud, e *engine) {
		switchedOff(c, e.id)
		e.unchanged()
		e.wantDiff(db(nil), "host update")
		e.log.want(t, `cluster "portfolio-db" (1001) was changed outside of Pulumi: host is switched off`)
		e.steps(db(nil), "update", "same")
		same(t, "writes", c.wrote(), []string{"PATCH /clusters/* " + endpointMask})
		if c.only().Endpoints.Public.Disabled {
			t.Error("it is still off")
		}
		e.unchanged()

		// Turning the protection off waits for nothing, and a delete needs no endpoint.
		e.steps(protectedDB(nil), "update")
		switchedOff(c, e.id)
		e.steps(db(nil), "update")
		if !c.only().Endpoints.Public.Disabled {
			t.Error("it was switched on")
		}
		e.deletes()
	})(t)
}

// The orphan of a run that died is the stack's own, too.
func TestCluster_endpoint_orphan(t *testing.T) {
	withDB(db(nil), func(t *testing.T, c *cloud, e *engine) {
		switchedOff(c, e.id)
		e.forget()
		e.steps(db(nil), "create", "same")
		if c.only().Endpoints.Public.Disabled {
			t.Error("it is still off")
		}
	})(t)
}

// If somebody else made the cluster, they may have meant it. A preview and a run refuse the cluster,
// and their error says how to switch the endpoint on.
func TestCluster_endpoint_adopted(t *testing.T) {
	follow := func(c *cloud, err error) {
		t.Helper()
		testcheck.Error(t, err, `cluster "portfolio-db" (1001) is ACTIVE, but its public endpoint is switched off; switch it on in the TiDB Cloud console`)
		line := regexp.MustCompile("`ticloud serverless update --cluster-id (\\d+) --disable-public-endpoint=(false)`").FindStringSubmatch(err.Error())
		if line == nil || line[1] != "1001" {
			t.Fatalf("no line to follow: %v", err)
		}
		c.patch(c.first(), endpointMask, line[2] != "false")
	}
	withAdopted(func(t *testing.T, c *cloud, e *engine) {
		switchedOff(c, e.id)
		e.tryDiff(adoptedDB(nil), "the cluster was not made for this stack, so no run does it for you")
		_, err := e.up(adoptedDB(map[string]any{"displayName": "portfolio-db-2"}))
		same(t, "writes", c.wrote(), nil)
		follow(c, err)
		e.steps(adoptedDB(nil), "same")

		// While a run waits, too.
		e.outputs = e.outputs.Delete("organization")
		var ready atomic.Bool
		id := e.id
		c.onCall = func(string) {
			if !ready.Load() {
				c.hold(id, "RESTORING")
			}
		}
		time.AfterFunc(5*time.Second+17*time.Millisecond, func() { ready.Store(true); c.hold(id, ""); switchedOff(c, id) }) // between two looks
		_, err = e.up(adoptedDB(nil))
		c.onCall = nil
		follow(c, err)
		e.steps(adoptedDB(nil), "update", "same")

		e.steps(adoptedDB(map[string]any{"deletionProtection": true}), "update")
		switchedOff(c, e.id)
		c.called()
		e.steps(adoptedDB(nil), "update") // only the protection
		same(t, "writes", c.wrote(), nil)
		e.log.want(t, "so no run does it for you")
	})(t)
	// It is not adopted, either.
	inBubble(func(t *testing.T, c *cloud, e *engine) {
		switchedOff(c, c.add("portfolio-db", tokyo, nil, time.Now().Add(-time.Hour)))
		_, err := e.preview(adoptedDB(nil))
		testcheck.Error(t, err, "was not adopted", "its public endpoint is switched off")
		_, err = e.up(adoptedDB(nil))
		same(t, "writes", c.wrote(), nil)
		follow(c, err)
		e.steps(adoptedDB(nil), "create", "same")
	})(t)
}

// A cluster whose endpoint is off serves nobody, and serves again when it is on.
func TestDatabase_endpoint(t *testing.T) {
	withSQL(clusterType, 0, func(t *testing.T, c *cloud, s *sqlServers, e *engine) {
		e.steps(db(nil), "create")
		query := func() error {
			database := s.open(t, c, "")
			defer database.Close()
			return database.PingContext(t.Context())
		}
		testcheck.Error(t, query())
		switchedOff(c, e.id)
		if query() == nil {
			t.Error("it serves with its endpoint switched off")
		}
		e.steps(db(nil), "update")
		testcheck.Error(t, query())
	})(t)
}

// A cluster without a user prefix works like any other, through its life.
func TestProvider_withoutPrefix(t *testing.T) {
	c := newCloud()
	c.ServicePlan = "Essential"
	s := newSQLServers(t, c, 0)
	c.add("portfolio-db", tokyo, ours, bubbleStart.Add(-time.Hour))
	synctest.Test(t, func(t *testing.T) {
		cluster := configured(t, c, provider.Options{}, clusterType, keys)
		user := configured(t, c, provider.Options{Dial: s.dial}, userType, keys)
		database := configured(t, c, provider.Options{Dial: s.dial}, databaseType, keys)
		cluster.steps(db(nil), "create", "same")
		cluster.unchanged()
		if prefix := cluster.out("userPrefix"); prefix != "" {
			t.Errorf("its prefix is %q", prefix)
		}
		for name, role := range map[string]string{"admin": "role_admin", "a-name-of-16-char": ""} {
			if role == "" {
				wantFailure(t, userType, api(cluster.id, map[string]any{"name": name}), "name: ")
				continue
			}
			user.steps(api(cluster.id, map[string]any{"name": name, "role": role}), "create", "same")
		}
		user.unchanged()
		if got := user.out("fullName"); got != "admin" || !c.CheckPassword(cluster.id, got, user.out("password")) {
			t.Errorf("the user is %q", got)
		}
		database.steps(inputs(map[string]any{"clusterId": cluster.id, "name": "portfolio", "host": cluster.out("host"), "port": cluster.outputs.Get("port").AsNumber(),
			"user": user.out("fullName"), "password": user.out("password")}), "create", "same")
		user.steps(api(cluster.id, map[string]any{"name": "admin", "role": "role_readonly", "rotation": "2"}), "update", "same")

		// It can be imported, and another resource does not take it.
		imported := configured(t, c, provider.Options{Dial: s.dial}, userType, keys)
		imported.id = cluster.id + "/admin"
		if _, err := imported.refresh(); err != nil || imported.out("fullName") != "admin" {
			t.Errorf("imported %v: %v", imported.outputs, err)
		}
		c.addUser("api", password, "role_readwrite")
		c.patch(cluster.id, "labels", map[string]string{provider.MadeForLabel: "blog.prod"})
		_, err := configured(t, c, provider.Options{Dial: s.dial}, userType, keys).preview(api(cluster.id, nil))
		testcheck.Error(t, err, `SQL user "api" exists already`)

		if err := user.delete(); err != nil || slices.ContainsFunc(c.Users(cluster.id), func(u tidbcloud.User) bool { return u.UserName == "admin" }) {
			t.Errorf("%v: %v", c.Users(cluster.id), err)
		}
		// Here it was adopted, so it stays without the stack's users.
		cluster.steps(db(map[string]any{"logins": []any{"admin"}}), "update")
		c.addUser("admin", password, "role_admin")
		if err := cluster.delete(); err != nil || len(c.Users(c.first())) != 2 {
			t.Errorf("%v: %v", c.Users(c.first()), err)
		}
		if strings.Contains(cluster.log.all(), "DROP USER") {
			t.Errorf("shown:\n%s", cluster.log.all())
		}
	})
}

// A Starter cluster has no name for its users before it has a prefix.
func TestSQLUser_import_early(t *testing.T) {
	inBubble(func(t *testing.T, c *cloud, _ *engine) {
		e := newEngine(t, c, userType)
		e.id = c.add("portfolio-db", tokyo, nil, time.Now()) + "/api"
		_, err := e.refresh()
		testcheck.Error(t, err, `cluster "portfolio-db" (1001) is CREATING`, "has no user prefix yet; run it again")
	})(t)
}
