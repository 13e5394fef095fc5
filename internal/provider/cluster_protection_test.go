package provider_test

import (
	"strings"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/property"

	"portfolio-infra/internal/provider"
	"portfolio-infra/internal/sandbox/emulator"
	"portfolio-infra/internal/sandbox/emulator/tidbcloud"
	"portfolio-infra/internal/testcheck"
)

// protectedDB is the inputs of a protected cluster.
func protectedDB(changes map[string]any) property.Map {
	return db(changes).Delete("deletionProtection")
}

// The protection is on unless the last run turned it off and this one does not turn it on.
// A state of an earlier version, which does not say, counts as protected.
func TestCluster_protection(t *testing.T) {
	elsewhere := map[string]any{"region": virginia}
	refused := []string{"has deletion protection", "nothing was done", "pulumi config set protect false", "`pulumi up`"}
	for name, oldState := range map[string]bool{"recorded": false, "state of an earlier version": true} {
		t.Run(name, withDB(protectedDB(nil), func(t *testing.T, c *cloud, e *engine) {
			if !e.outputs.Get("deletionProtection").AsBool() {
				t.Error("the default is not recorded")
			}
			if oldState {
				e.outputs, e.inputs = e.outputs.Delete("deletionProtection").Delete("organization"), e.inputs.Delete("deletionProtection")
			}
			testcheck.Error(t, e.delete(), refused...)
			// The value of this run does not count.
			for _, inputs := range []property.Map{protectedDB(elsewhere), db(elsewhere)} {
				e.tryDiff(inputs, append(refused, "moving it to another region")...)
			}
			same(t, "calls", c.called(), nil)
			e.steps(db(nil), "update")
			same(t, "writes of turning it off", c.wrote(), nil)
			e.tryDiff(protectedDB(elsewhere), append(refused, "moving it to another region")...)
			e.steps(db(elsewhere), "replace")
			e.steps(protectedDB(elsewhere), "update")
			testcheck.Error(t, e.delete(), refused...)
		}))
	}
}

// A protected cluster that cannot be found is an error everywhere, and each way out that the
// error names works.
func TestCluster_protection_missing(t *testing.T) {
	missing := []string{`cluster "portfolio-db" (1001) was not found (or is being deleted)`, "no empty replacement is created",
		"belongs to another organization, or is limited to another project", "pulumi config set protect false", "`pulumi state delete --force --target-dependents 'URN'`"}
	for name, tt := range map[string]struct {
		hand    hand
		refresh string // how a refresh fails
	}{
		"deleted":       {deleted, "was not found"},
		"DELETED":       {holding("DELETED"), "was not found"},
		"being deleted": {deleting, ""}, // there still is something to read
	} {
		t.Run(name, withDB(protectedDB(nil), func(t *testing.T, c *cloud, e *engine) {
			tt.hand(c, e.id)
			e.tryDiff(protectedDB(nil), missing...)
			_, err := e.refresh()
			testcheck.Error(t, err, tt.refresh)
			if e.id == "" {
				t.Error("a refresh forgot it")
			}
			// Together with anything else it is refused as well.
			e.tryDiff(db(map[string]any{"displayName": "another"}), missing...)

			start := time.Now()
			e.steps(db(nil), "update")
			within(t, start, time.Second)
			same(t, "writes of turning it off", c.wrote(), nil)
			// A run that turns it on again is bound by it.
			e.tryDiff(protectedDB(nil), missing...)
			e.steps(db(nil), "replace", "same")
		}))
	}
}

// With a state of an earlier version nobody can tell whether the cluster is gone. The error names
// only the way out that works.
func TestCluster_protection_missingInOldState(t *testing.T) {
	withDB(protectedDB(nil), func(t *testing.T, c *cloud, e *engine) {
		e.outputs = e.outputs.Delete("organization")
		c.hold(e.id, "DELETED")
		const out = "`pulumi state delete --force --target-dependents 'URN'`"
		_, err := e.diff(protectedDB(nil))
		testcheck.Error(t, err, "no empty replacement is created", "the state does not say which organization the cluster was in", out)
		if strings.Contains(err.Error(), "protect false") || strings.Contains(err.Error(), "creates it again") {
			t.Errorf("promised: %v", err)
		}
		e.steps(db(nil), "update")
		if !e.log.has("warn", "only records that it is no longer protected", out) || e.log.has("creates it again") {
			t.Errorf("shown:\n%s", e.log.all())
		}
		e.tryDiff(db(nil), "its organization or the API key's is not known", out)
	})(t)
}

// Turning the protection off waits for nothing.
func TestCluster_protection_inactive(t *testing.T) {
	withDB(protectedDB(nil), func(t *testing.T, c *cloud, e *engine) {
		c.hold(e.id, "INACTIVE")
		e.steps(db(nil), "update")
		e.deletes()
	})(t)
}

// A cluster that the key of another organization cannot see is not gone, nor is its user.
func TestProvider_otherOrganization(t *testing.T) {
	for name, inputs := range map[string]func(map[string]any) property.Map{"protected": protectedDB, "unprotected": db} {
		t.Run(name, withDB(inputs(nil), func(t *testing.T, c *cloud, e *engine) {
			user := newEngine(t, c, userType)
			user.steps(api(e.id, nil), "create")
			c.neighbor = &tidbcloud.Cloud{PublicKey: "OTHER", PrivateKey: "other", OrganizationID: "7"}
			as := func(e *engine) *engine {
				other := configured(t, c, provider.Options{}, e.typ, map[string]property.Value{"publicKey": property.New("OTHER"), "privateKey": property.New("other")})
				other.state = e.state
				return other
			}
			c.called()
			want := []string{"cluster 1001 belongs to organization " + tidbcloud.Organization + ", and the API key to 7", "tidbcloud:publicKey"}
			cluster, other := as(e), as(user)
			var errs []error
			for _, inputs := range []property.Map{inputs(nil), db(nil)} {
				_, err := cluster.diff(inputs)
				errs = append(errs, err)
			}
			for _, e := range []*engine{cluster, other} {
				_, err := e.refresh()
				errs = append(errs, err)
			}
			errs = append(errs, other.delete())
			if name == "unprotected" {
				errs = append(errs, cluster.delete())
			}
			for _, err := range errs {
				testcheck.Error(t, err, want...)
			}
			same(t, "writes", c.wrote(), nil)
			if cluster.id == "" || other.id == "" {
				t.Error("it was forgotten")
			}
			e.unchanged()
			user.unchanged()
		}))
	}
}

// What is not known does not count as gone.
func TestCluster_organizationUnknown(t *testing.T) {
	withDB(db(nil), func(t *testing.T, c *cloud, e *engine) {
		c.hold(e.id, "DELETED")
		c.fail(emulator.Fault{Path: "/projects", Status: 404, Times: -1})
		e.tryDiff(db(nil), "either it is gone, or the API key belongs to another organization", "must end in /v1beta1, below which TiDB Cloud has /projects")
		c.fail(emulator.Fault{Path: "/projects", Body: `{"projects":[]}`, Times: -1})
		e.tryDiff(db(nil), "its organization or the API key's is not known")
	})(t)
}

// The organization gets into a state of an earlier version without a write.
func TestCluster_Update_oldState(t *testing.T) {
	withDB(db(nil), func(t *testing.T, c *cloud, e *engine) {
		e.outputs = e.outputs.Delete("organization")
		e.wantDiff(db(nil), "organization update")
		e.steps(db(nil), "update", "same")
		same(t, "writes", c.wrote(), nil)
		if e.out("organization") != tidbcloud.Organization {
			t.Errorf("organization %q", e.out("organization"))
		}
	})(t)
}
