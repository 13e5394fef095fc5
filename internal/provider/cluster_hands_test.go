package provider_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"portfolio-infra/internal/provider"
)

// What other hands do to a cluster between two runs.

// A cluster that another stack has taken over is no longer touched, refresh or not.
func TestCluster_claimed(t *testing.T) {
	for _, refreshed := range []bool{false, true} {
		in(t, func(t *testing.T, c *cloud, e *engine) {
			if _, err := e.up(db(nil)); err != nil {
				t.Fatal(err)
			}
			c.only().fields["labels"] = map[string]any{provider.OwnerLabel: "blog.prod"}
			if refreshed {
				if _, err := e.refresh(); err != nil {
					t.Fatal(err)
				}
			}
			c.called()
			const want = `its label pulumi.com/owner says that it belongs to "blog.prod" now; to forget it here, remove it from the state with ` + "`pulumi state delete --force --target-dependents 'URN'`"
			_, err := e.up(db(map[string]any{"displayName": "portfolio-db-2"}))
			wantErr(t, err, want)
			wantErr(t, e.delete(), want)
			if wrote := writes(c.called()); len(wrote) > 0 || c.alive() != 1 {
				t.Errorf("called %q", wrote)
			}
		})
	}
}

// With the owner goes whom the cluster was made for, unless that is somebody else.
func TestCluster_Update_owner(t *testing.T) {
	for madeFor, want := range map[string]any{owner: "portfolio.prod", "blog.prod": "blog.prod"} {
		in(t, func(t *testing.T, c *cloud, e *engine) {
			if _, err := e.up(db(nil)); err != nil {
				t.Fatal(err)
			}
			labels := c.only().fields["labels"].(map[string]any)
			labels[provider.MakerLabel] = madeFor
			if op, err := e.up(db(map[string]any{"owner": "portfolio.prod"})); op != "update" || err != nil {
				t.Errorf("%s, %v", op, err)
			}
			labels = c.only().fields["labels"].(map[string]any)
			if labels[provider.OwnerLabel] != "portfolio.prod" || labels[provider.MakerLabel] != want {
				t.Errorf("made for %s, it bears %v", madeFor, labels)
			}
		})
	}
}

// What stops a cluster is most often its spending limit, so a new one comes before the
// wait.
func TestCluster_Update_inactive(t *testing.T) {
	in(t, func(t *testing.T, c *cloud, e *engine) {
		if _, err := e.up(db(map[string]any{"spendingLimitMonthly": 500})); err != nil {
			t.Fatal(err)
		}
		c.only().state = "INACTIVE"
		c.faults = []func(string) *fault{func(call string) *fault {
			if call == "PATCH /clusters/1001 spendingLimit.monthly" {
				c.clusters["1001"].state = ""
			}
			return nil
		}}
		if op, err := e.up(db(map[string]any{"spendingLimitMonthly": 900})); err != nil || op != "update" {
			t.Errorf("%s, %v", op, err)
		}
		c.faults = nil
		c.only().state = "INACTIVE"
		_, err := e.up(db(map[string]any{"spendingLimitMonthly": 900, "createTimeoutSeconds": 60}))
		wantErr(t, err, "is INACTIVE; resume it")
	})
}

// A 404 to a DELETE proves nothing about a cluster that can be read.
func TestCluster_Delete_notFound(t *testing.T) {
	in(t, func(t *testing.T, c *cloud, e *engine) {
		if _, err := e.up(db(nil)); err != nil {
			t.Fatal(err)
		}
		c.faults = []func(string) *fault{once(1, "DELETE", fault{status: 404, body: `{}`})}
		start := time.Now()
		wantErr(t, e.delete(), "DELETE https://serverless.test/clusters/1001: 404 Not Found")
		if time.Since(start) > time.Minute {
			t.Errorf("it took %s", time.Since(start))
		}
		if err := e.delete(); err != nil || c.alive() != 0 {
			t.Errorf("%v, and %d clusters", err, c.alive())
		}
	})
}

// Right after a delete TiDB Cloud may answer 403; the list then tells the rest.
func TestCluster_Delete_forbidden(t *testing.T) {
	for _, tt := range []struct{ state, wantErr string }{
		{"DELETING", ""},
		{"ACTIVE", "403 Forbidden"},
	} {
		in(t, func(t *testing.T, c *cloud, e *engine) {
			if _, err := e.up(db(nil)); err != nil {
				t.Fatal(err)
			}
			c.only().state = tt.state
			c.faults = []func(string) *fault{once(-1, "GET /clusters/1001", fault{status: 403, body: `{}`})}
			wantErr(t, e.delete(), tt.wantErr)
			if wrote := writes(c.called()); slices.Contains(wrote, "DELETE /clusters/1001") {
				t.Errorf("called %q", wrote)
			}
		})
	}
}

// Of two runs in the same moment the one whose answer was lost gives way as well.
func TestCluster_Create_unclearRace(t *testing.T) {
	in(t, func(t *testing.T, c *cloud, e *engine) {
		rival := false
		c.faults = []func(string) *fault{
			func(string) *fault {
				if len(c.clusters) == 1 && !rival {
					rival = true
					other := c.create(map[string]any{"displayName": "portfolio-db", "region": map[string]any{"name": tokyo}, "labels": map[string]any{provider.OwnerLabel: "blog.prod"}})
					other.created = c.clusters["1001"].created.Add(-time.Second)
				}
				return nil
			},
			once(1, "POST /clusters", fault{status: 500, body: `{}`, effect: true}),
		}
		_, err := e.up(db(nil))
		wantErr(t, err, "at the same time by blog.prod, who came first")
		if c.clusters["1001"].deletedAt.IsZero() || !c.clusters["1002"].deletedAt.IsZero() {
			t.Error("both are there, or the wrong one")
		}
	})
}

// A list that lags behind a delete shows no rival.
func TestCluster_Create_laggingRival(t *testing.T) {
	in(t, func(t *testing.T, c *cloud, e *engine) {
		c.goneAfter = time.Hour
		old := c.add("portfolio-db", tokyo, map[string]string{provider.OwnerLabel: owner})
		old.created, old.deletedAt = old.created.Add(-time.Minute), time.Now()
		c.faults = []func(string) *fault{func(call string) *fault {
			if call != "GET /clusters" || len(c.clusters) == 1 {
				return nil
			}
			stale := c.show(old)
			stale["state"] = "ACTIVE"
			list, err := json.Marshal(map[string]any{"clusters": []any{stale, c.show(c.clusters["1002"])}})
			if err != nil {
				t.Fatal(err)
			}
			return &fault{status: 200, body: string(list)}
		}}
		if _, err := e.up(db(nil)); err != nil || e.id != "1002" || c.alive() != 1 {
			t.Errorf("managing %q: %v", e.id, err)
		}
	})
}
