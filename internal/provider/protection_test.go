package provider_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
)

// protectedDB is the inputs of a cluster that must not go.
func protectedDB(changes map[string]any) property.Map {
	return db(changes).Delete("deletionProtection")
}

// The protection is on unless the last run turned it off and this one does not turn it
// on. A state of an earlier version, which says nothing of it, counts as protected.
func TestCluster_protection(t *testing.T) {
	for name, forget := range map[string]bool{"recorded": false, "state of an earlier version": true} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, c *cloud, e *engine) {
				if _, err := e.up(protectedDB(nil)); err != nil {
					t.Fatal(err)
				}
				if !e.outputs.Get("deletionProtection").AsBool() {
					t.Error("the default is not recorded")
				}
				if forget {
					e.outputs, e.inputs = e.outputs.Delete("deletionProtection").Delete("organization"), e.inputs.Delete("deletionProtection")
				}
				c.called()
				refused := []string{"has deletion protection", "nothing was done", "pulumi config set protect false", "`pulumi up`"}
				wantErr(t, e.delete(), refused...)
				// The value of this run does not count.
				for _, inputs := range []property.Map{protectedDB(map[string]any{"region": virginia}), db(map[string]any{"region": virginia})} {
					op, err := e.up(inputs)
					wantErr(t, err, append(refused, "moving it to another region")...)
					if op != "diff" {
						t.Errorf("refused by %s", op)
					}
				}
				if got := c.called(); len(got) > 0 {
					t.Errorf("called %q", got)
				}
				if op, err := e.up(db(nil)); op != "update" || err != nil {
					t.Errorf("turning it off: %s, %v", op, err)
				}
				if got := writes(c.called()); len(got) > 0 {
					t.Errorf("turning it off wrote %q", got)
				}
				_, err := e.up(protectedDB(map[string]any{"region": virginia}))
				wantErr(t, err, append(refused, "moving it to another region")...)
				if op, err := e.up(db(map[string]any{"region": virginia})); op != "replace" || err != nil || c.alive() != 1 {
					t.Errorf("%s, %v", op, err)
				}
				if op, err := e.up(protectedDB(map[string]any{"region": virginia})); op != "update" || err != nil {
					t.Errorf("turning it on: %s, %v", op, err)
				}
				wantErr(t, e.delete(), refused...)
			})
		})
	}
}

// A protected cluster that is not to be seen is an error everywhere, and each way out
// that the error names works.
func TestCluster_protection_missing(t *testing.T) {
	missing := []string{`cluster "portfolio-db" (1001) cannot be found`, "neither forgotten nor created again", "another organization, or is limited to another project", "pulumi config set protect false", "`pulumi state delete --force --target-dependents 'URN'`"}
	for name, tt := range map[string]struct {
		hand    func(x *cluster)
		refresh string // how a refresh fails
	}{
		"deleted":       {func(x *cluster) { x.deletedAt = time.Now().Add(-time.Hour) }, "cannot be found"},
		"DELETED":       {func(x *cluster) { x.state = "DELETED" }, "cannot be found"},
		"being deleted": {func(x *cluster) { x.deletedAt = time.Now() }, ""}, // there still is something to read
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, c *cloud, e *engine) {
				if _, err := e.up(protectedDB(nil)); err != nil {
					t.Fatal(err)
				}
				tt.hand(c.only())
				c.called()
				op, err := e.up(protectedDB(nil))
				wantErr(t, err, missing...)
				if op != "diff" {
					t.Errorf("refused by %s", op)
				}
				_, err = e.refresh()
				wantErr(t, err, tt.refresh)
				if e.id != "1001" {
					t.Errorf("a refresh forgot it: %q", e.id)
				}
				// Together with anything else it is refused as well.
				_, err = e.up(db(map[string]any{"displayName": "another"}))
				wantErr(t, err, missing...)

				start := time.Now()
				if op, err := e.up(db(nil)); op != "update" || err != nil {
					t.Fatalf("turning it off: %s, %v", op, err)
				}
				within(t, start, time.Second)
				if got := writes(c.called()); len(got) > 0 {
					t.Errorf("wrote %q", got)
				}
				// A run that turns it on again is bound by it.
				_, err = e.up(protectedDB(nil))
				wantErr(t, err, missing...)
				if op, err := e.up(db(nil)); op != "replace" || err != nil || e.id == "1001" {
					t.Errorf("%s, %v", op, err)
				}
			})
		})
	}
}

// Whether a cluster is gone cannot be told from a state of an earlier version, so no
// other way out is promised than the one that works.
func TestCluster_protection_missingInOldState(t *testing.T) {
	in(t, func(t *testing.T, c *cloud, e *engine) {
		if _, err := e.up(protectedDB(nil)); err != nil {
			t.Fatal(err)
		}
		e.outputs = e.outputs.Delete("organization")
		c.only().state = "DELETED"
		const out = "`pulumi state delete --force --target-dependents 'URN'`"
		_, err := e.up(protectedDB(nil))
		wantErr(t, err, "neither forgotten nor created again", "the state does not say which organization the cluster was in", out)
		if strings.Contains(err.Error(), "protect false") || strings.Contains(err.Error(), "creates it again") {
			t.Errorf("promised: %v", err)
		}
		if op, err := e.up(db(nil)); op != "update" || err != nil {
			t.Errorf("turning it off: %s, %v", op, err)
		}
		if !e.log.has("warn", "only records that it is no longer protected", out) || e.log.has("creates it again") {
			t.Errorf("said:\n%s", e.log.all())
		}
		_, err = e.up(db(nil))
		wantErr(t, err, "its organization or the API key's is not known", out)
	})
}

// Turning the protection off waits for nothing.
func TestCluster_protection_inactive(t *testing.T) {
	in(t, func(t *testing.T, c *cloud, e *engine) {
		if _, err := e.up(protectedDB(nil)); err != nil {
			t.Fatal(err)
		}
		c.only().state = "INACTIVE"
		if op, err := e.up(db(nil)); op != "update" || err != nil {
			t.Errorf("%s, %v", op, err)
		}
		if err := e.delete(); err != nil {
			t.Error(err)
		}
	})
}

// A cluster that the key of another organization does not show is not gone.
func TestCluster_otherOrganization(t *testing.T) {
	for name, inputs := range map[string]func(map[string]any) property.Map{"protected": protectedDB, "unprotected": db} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, c *cloud, e *engine) {
				if _, err := e.up(inputs(nil)); err != nil {
					t.Fatal(err)
				}
				if e.out("organization") != "1" {
					t.Errorf("organization %q", e.out("organization"))
				}
				x := c.only()
				x.deletedAt, c.organization = time.Now().Add(-time.Hour), "7"
				c.called()
				other := []string{"cluster 1001 belongs to organization 1, and the API key to 7", "tidbcloud:publicKey"}
				_, err := e.up(inputs(nil))
				wantErr(t, err, other...)
				_, err = e.up(db(nil))
				wantErr(t, err, other...)
				_, err = e.refresh()
				wantErr(t, err, other...)
				if name == "unprotected" {
					wantErr(t, e.delete(), other...)
				}
				if got := writes(c.called()); len(got) > 0 || e.id != "1001" {
					t.Errorf("wrote %q", got)
				}
			})
		})
	}
}

// What cannot be told is not taken for gone.
func TestCluster_organizationUnknown(t *testing.T) {
	in(t, func(t *testing.T, c *cloud, e *engine) {
		if _, err := e.up(db(nil)); err != nil {
			t.Fatal(err)
		}
		c.only().state = "DELETED"
		c.faults = []func(string) *fault{once(-1, "GET /projects", fault{status: 404})}
		_, err := e.up(db(nil))
		wantErr(t, err, "it is not known whether it is gone or the API key belongs to another organization", "must end in /v1beta1, below which TiDB Cloud has /projects")
		c.faults = []func(string) *fault{once(-1, "GET /projects", fault{status: 200, body: `{"projects":[]}`})}
		_, err = e.up(db(nil))
		wantErr(t, err, "its organization or the API key's is not known")
	})
}

// The organization gets into a state of an earlier version by itself.
func TestCluster_Update_oldState(t *testing.T) {
	in(t, func(t *testing.T, c *cloud, e *engine) {
		if _, err := e.up(db(nil)); err != nil {
			t.Fatal(err)
		}
		e.outputs = e.outputs.Delete("organization")
		diff, err := e.Diff(p.DiffRequest{ID: e.id, Urn: e.urn(), State: e.outputs, OldInputs: e.inputs, Inputs: e.check(db(nil))})
		if got := properties(diff); err != nil || !slices.Equal(got, []string{"organization update"}) {
			t.Errorf("%q, %v", got, err)
		}
		c.called()
		for _, want := range []string{"update", "same"} {
			if op, err := e.up(db(nil)); op != want || err != nil {
				t.Fatalf("%s, %v", op, err)
			}
		}
		if got := writes(c.called()); len(got) > 0 || e.out("organization") != "1" {
			t.Errorf("wrote %q", got)
		}
	})
}

// The list of regions is advice: where there is none, TiDB Cloud itself has to say.
func TestCluster_Create_noRegions(t *testing.T) {
	in(t, func(t *testing.T, c *cloud, e *engine) {
		c.faults = []func(string) *fault{once(-1, "GET /regions", fault{status: 404})}
		if op, err := e.up(db(nil)); op != "create" || err != nil {
			t.Errorf("%s, %v", op, err)
		}
		if !e.log.has("warn", "not checking whether TiDB Cloud offers region", "below which TiDB Cloud has /regions") {
			t.Errorf("said:\n%s", e.log.all())
		}
	})
}
