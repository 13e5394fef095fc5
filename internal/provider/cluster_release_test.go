package provider_test

import (
	"maps"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/property"

	"portfolio-infra/internal/provider"
	"portfolio-infra/internal/testcheck"
)

// adoptedDB is the inputs of an adopted cluster, on which the stack makes three SQL users.
func adoptedDB(changes map[string]any) property.Map {
	values := map[string]any{"adopt": true, "logins": []any{"pulumi", "api", "api_b"}}
	maps.Copy(values, changes)
	return db(values)
}

// withAdopted is a test with a cluster that somebody made, with the SQL user "theirs". The engine
// has adopted it.
func withAdopted(f func(t *testing.T, c *cloud, e *engine)) func(*testing.T) {
	return inBubble(func(t *testing.T, c *cloud, e *engine) {
		c.add("portfolio-db", tokyo, nil, time.Now().Add(-time.Hour))
		c.addUser("theirs", "predates us", "role_admin")
		e.steps(adoptedDB(nil), "create", "same")
		e.unchanged()
		c.called()
		e.log.clear()
		f(t, c, e)
	})
}

func (c *cloud) addUsers(names ...string) {
	for _, name := range names {
		c.addUser(name, "some password", "role_readwrite")
	}
}

// names are the SQL users of the first cluster, without root and the prefix.
func (c *cloud) names() []string {
	var all []string
	for name := range c.users(c.first()) {
		all = append(all, name[len("p1001."):])
	}
	slices.Sort(all)
	return all
}

// A cluster that was not made for the stack stays, with what is on it. The stack's own SQL
// users go, and nobody else's.
func TestCluster_release(t *testing.T) {
	const label = "PATCH /clusters/* labels"
	remove := func(users int, after ...string) []string {
		return append(slices.Repeat([]string{"DELETE /clusters/*/sqlUsers/*"}, users), after...)
	}
	rename := func(e *engine) {
		e.steps(adoptedDB(map[string]any{"logins": []any{"pulumi", "web", "web_b"}}), "update", "same")
	}
	for _, tt := range []struct {
		name    string
		before  func(c *cloud, e *engine) // after the adoption
		left    []string                  // users
		writes  []string
		owner   string // the label's value in the end
		warn    string
		wantErr string
	}{
		{"at once", func(c *cloud, e *engine) { c.addUsers("pulumi", "api", "api_b") }, []string{"theirs"}, remove(3, label), provider.FreeOwner, "", ""},
		{"one made so far", func(c *cloud, e *engine) { c.addUsers("pulumi") }, []string{"theirs"}, remove(1, label), provider.FreeOwner, "", ""},
		{"somebody else's of another name", func(c *cloud, e *engine) { c.addUsers("pulumi", "web") }, []string{"theirs", "web"}, remove(1, label), provider.FreeOwner, "", ""},
		{"renamed, and one still has its name", func(c *cloud, e *engine) { c.addUsers("pulumi", "api", "api_b"); rename(e); c.addUsers("web") },
			[]string{"theirs"}, remove(4, label), provider.FreeOwner, "", ""},
		{"renamed, and somebody takes the name later", func(c *cloud, e *engine) {
			c.addUsers("pulumi", "api")
			rename(e)
			c.byHand("DELETE", c.userPath("api"), nil)
			time.Sleep(time.Minute) // a list serves one run
			e.steps(adoptedDB(map[string]any{"logins": []any{"pulumi", "web", "web_b"}}), "update", "same")
			c.addUsers("api")
		}, []string{"api", "theirs"}, remove(1, label), provider.FreeOwner, "", ""},
		{"renamed to somebody else's", func(c *cloud, e *engine) {
			c.addUsers("pulumi", "api")
			e.steps(adoptedDB(map[string]any{"logins": []any{"pulumi", "theirs"}}), "update", "same")
		}, []string{"theirs"}, remove(2, label), provider.FreeOwner, "`DROP USER 'p1001.theirs'@'%';`", ""},
		{"state of an earlier version", func(c *cloud, e *engine) {
			c.addUsers("pulumi", "api")
			e.outputs = e.outputs.Delete("logins").Delete("ownLogins")
		}, []string{"api", "pulumi", "theirs"}, remove(0, label), provider.FreeOwner,
			"`DROP USER 'p1001.theirs'@'%';`, `DROP USER 'p1001.pulumi'@'%';`, `DROP USER 'p1001.api'@'%';`", ""},
		{"upgraded from such a state", func(c *cloud, e *engine) {
			c.addUsers("pulumi", "api")
			e.outputs, e.inputs = e.outputs.Delete("logins").Delete("ownLogins"), e.inputs.Delete("logins")
			e.steps(adoptedDB(nil), "update", "same")
			c.addUsers("api_b")
		}, []string{"api", "pulumi", "theirs"}, remove(1, label), provider.FreeOwner, "`DROP USER 'p1001.pulumi'@'%';`, `DROP USER 'p1001.api'@'%';`", ""},
		{"endpoint switched off", func(c *cloud, e *engine) {
			c.addUsers("pulumi")
			c.patch(e.id, "endpoints.public.disabled", true)
		}, []string{"theirs"}, remove(1, label), provider.FreeOwner, "", ""},
		{"label lost", func(c *cloud, e *engine) { c.addUsers("pulumi"); labeling(provider.OwnerLabel, "")(c, e.id) }, []string{"theirs"}, remove(1), "", "", ""},
		{"released by a run that died", func(c *cloud, e *engine) {
			labeling(provider.OwnerLabel, provider.FreeOwner)(c, e.id)
			c.addUsers("api") // by somebody else, since
		}, []string{"api", "theirs"}, nil, provider.FreeOwner, "", ""},
		{"adopted by another stack", func(c *cloud, e *engine) { c.addUsers("api"); labeling(provider.OwnerLabel, "blog.prod")(c, e.id) },
			[]string{"api", "theirs"}, nil, "blog.prod", "", `belongs to "blog.prod" now`},
		{"the same after a refresh without the label", func(c *cloud, e *engine) {
			c.addUsers("api")
			labeling(provider.OwnerLabel, "")(c, e.id)
			e.refreshes()
			labeling(provider.OwnerLabel, "blog.prod")(c, e.id)
		}, []string{"api", "theirs"}, nil, "blog.prod", "", `belongs to "blog.prod" now`},
		{"inactive", func(c *cloud, e *engine) { c.addUsers("api"); c.hold(e.id, "INACTIVE") },
			[]string{"api", "theirs"}, nil, owner, "", "is INACTIVE; resume it in the TiDB Cloud console"},
		{"protected", func(c *cloud, e *engine) {
			c.addUsers("api")
			e.steps(adoptedDB(map[string]any{"deletionProtection": true}), "update")
		}, []string{"api", "theirs"}, nil, owner, "", "has deletion protection"},
	} {
		t.Run(tt.name, withAdopted(func(t *testing.T, c *cloud, e *engine) {
			tt.before(c, e)
			c.called()
			e.log.clear()
			testcheck.Error(t, e.delete(), tt.wantErr)
			same(t, "writes", c.wrote(), tt.writes)
			same(t, "users", c.names(), tt.left)
			if got := c.only().Labels[provider.OwnerLabel]; got != tt.owner {
				t.Errorf("owned by %q", got)
			}
			if warned := e.log.has("warn"); warned != (tt.warn != "") || !e.log.has(tt.warn) {
				t.Errorf("shown:\n%s", e.log.all())
			}
		}))
	}
}

// The statement in the warning drops the user.
func TestCluster_release_advice(t *testing.T) {
	withSQL(clusterType, 0, func(t *testing.T, c *cloud, s *sqlServers, e *engine) {
		labeling(provider.OwnerLabel, "")(c, c.first())
		labeling(provider.MadeForLabel, "")(c, c.first())
		e.steps(db(map[string]any{"displayName": c.only().DisplayName, "adopt": true}), "create")
		c.addUser("api", "some password", "role_readwrite")
		e.deletes()
		statement := regexp.MustCompile("`(DROP USER '[^`]*api'[^`]*)`").FindStringSubmatch(e.log.all())
		if statement == nil {
			t.Fatalf("shown:\n%s", e.log.all())
		}
		user := regexp.MustCompile(`p1001`).ReplaceAllString(statement[1], c.prefixes[c.first()])
		s.run(t, c, user)
	})(t)
}

// A stack that moves to another region leaves an adopted cluster where it is. Another stack,
// or the same one later, may adopt it.
func TestCluster_release_replacement(t *testing.T) {
	withAdopted(func(t *testing.T, c *cloud, e *engine) {
		c.addUsers("pulumi", "api")
		moved := adoptedDB(map[string]any{"region": virginia})
		e.steps(moved, "replace", "same")
		e.unchanged()
		if len(c.alive()) != 2 || e.id == c.first() {
			t.Fatalf("managing %s, there are %d clusters", e.short(e.id), len(c.alive()))
		}
		same(t, "users", c.names(), []string{"theirs"})

		other := newEngine(t, c, clusterType)
		theirs := map[string]any{"owner": "blog.prod"}
		_, err := other.up(db(theirs)) // the name is taken twice
		testcheck.Error(t, err, "the name is not unique")
		c.patch(e.id, "displayName", "portfolio-db-2")
		other.tryUp(db(theirs), "exists already and was left unchanged: it does not belong to this stack", "adopt: true")
		theirs["adopt"] = true
		other.steps(db(theirs), "create", "same")
		if other.id != c.first() {
			t.Errorf("adopted %s", other.short(other.id))
		}
		c.patch(e.id, "displayName", "portfolio-db")
		if err := e.delete(); err != nil || len(c.alive()) != 1 {
			t.Errorf("%d clusters: %v", len(c.alive()), err)
		}
	})(t)
}

// If a run dies after a release and is not repeated, the next up adopts the cluster again.
func TestCluster_release_takenBack(t *testing.T) {
	withAdopted(func(t *testing.T, c *cloud, e *engine) {
		labeling(provider.OwnerLabel, provider.FreeOwner)(c, e.id)
		e.steps(adoptedDB(nil), "update", "same")
		if got := c.only().Labels[provider.OwnerLabel]; got != owner {
			t.Errorf("owned by %q", got)
		}
	})(t)
}

// The made-for label of an imported cluster does not change, so the cluster stays, too. If two stacks
// share it, only the one that it was made for may delete it.
func TestCluster_release_imported(t *testing.T) {
	withDB(db(nil), func(t *testing.T, c *cloud, e *engine) {
		importer := newEngine(t, c, clusterType)
		importer.id = e.id
		importer.refreshes()
		theirs := db(map[string]any{"owner": "blog.prod"})
		importer.steps(theirs, "update", "same")
		importer.unchanged()
		if got := c.only().Labels[provider.MadeForLabel]; got != owner {
			t.Errorf("made for %q", got)
		}
		testcheck.Error(t, e.delete(), `belongs to "blog.prod" now`)
		if err := importer.delete(); err != nil || len(c.alive()) != 1 {
			t.Fatalf("%d clusters: %v", len(c.alive()), err)
		}
		e.steps(db(nil), "update", "same")
		if err := e.delete(); err != nil || len(c.alive()) != 0 {
			t.Errorf("%d clusters: %v", len(c.alive()), err)
		}
	})(t)
}

// A run in which only the logins are new, such as the first one of this version, succeeds even if the
// cluster is INACTIVE. A run finds out about them when the cluster is ACTIVE again.
func TestCluster_logins_inactive(t *testing.T) {
	withAdopted(func(t *testing.T, c *cloud, e *engine) {
		e.outputs, e.inputs = e.outputs.Delete("logins").Delete("ownLogins"), e.inputs.Delete("logins")
		c.hold(e.id, "INACTIVE")
		e.steps(adoptedDB(nil), "update", "update")
		c.hold(e.id, "")
		e.steps(adoptedDB(nil), "update", "same")
		same(t, "writes", c.wrote(), nil)
		c.addUsers("api")
		e.deletes()
		same(t, "users", c.names(), []string{"theirs"})
	})(t)
}
