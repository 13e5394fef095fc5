package provider_test

import (
	"testing"
	"time"

	"portfolio-infra/internal/provider"
	"portfolio-infra/internal/sandbox/emulator"
	"portfolio-infra/internal/testcheck"
)

func TestCluster_Read(t *testing.T) {
	for _, tt := range []struct {
		name    string
		inputs  map[string]any
		hand    hand
		changed bool
		want    map[string]any // inputs after the refresh; nil with a change: it is gone
		wantErr string
	}{
		{"unchanged", nil, nil, false, nil, ""},
		{"unchanged, all set", map[string]any{"labels": full["labels"], "spendingLimitMonthly": 5, "adopt": true, "authorizedNetworks": []any{home}}, nil, false, nil, ""},
		{"renamed", nil, patching("displayName", "prod"), true, map[string]any{"displayName": "prod"}, ""},
		{"owner label lost", nil, labeling(provider.OwnerLabel, ""), true, map[string]any{"owner": ""}, ""},
		{"own label changed", full, labeling("team", "ops"), true, changed("labels", map[string]any{"team": "ops"}), ""},
		{"limit changed", full, patching("spendingLimit.monthly", 9), true, changed("spendingLimitMonthly", 9), ""},
		{"another label", nil, labeling("cost", "low"), false, nil, ""},
		{"unset limit", nil, patching("spendingLimit.monthly", 9), false, nil, ""},
		{"under maintenance", nil, holding("MAINTENANCE"), false, nil, ""},
		{"deleted", nil, deleted, true, nil, ""},
		{"DELETED", nil, holding("DELETED"), true, nil, ""},
		{"forbidden", nil, func(c *cloud, _ string) {
			c.fail(emulator.Fault{Method: "GET", Status: 403, Times: -1, Path: "/*"}, emulator.Fault{Path: "/*/*", Status: 403, Times: -1})
		},
			false, nil, "403 Forbidden"},
	} {
		t.Run(tt.name, withDB(db(tt.inputs), func(t *testing.T, c *cloud, e *engine) {
			if tt.hand != nil {
				tt.hand(c, e.id)
			}
			changed, err := e.refresh()
			testcheck.Error(t, err, tt.wantErr)
			if changed != tt.changed {
				t.Errorf("changed: %v, to %v", changed, e.outputs)
			}
			if want := db(tt.want); tt.want != nil && !e.inputs.Equals(want) {
				t.Errorf("inputs %v, want %v", e.inputs, want)
			}
			if gone := tt.changed && tt.want == nil; gone != (e.id == "") {
				t.Errorf("managing %q", e.id)
			}
		}))
	}
}

func TestCluster_import(t *testing.T) {
	for _, tt := range []struct {
		name   string
		labels map[string]string
		hands  []hand
		want   map[string]any
	}{
		{"somebody's", nil, nil, map[string]any{"owner": ""}},
		{"ours", ours, nil, nil},
		{"with all", map[string]string{provider.OwnerLabel: owner, "team": "web"}, []hand{patching("spendingLimit.monthly", 500), networks(home, work)}, full},
	} {
		t.Run(tt.name, inBubble(func(t *testing.T, c *cloud, e *engine) {
			e.id = c.add("portfolio-db", tokyo, tt.labels, time.Now().Add(-time.Hour))
			for _, do := range tt.hands {
				do(c, e.id)
			}
			e.refreshes()
			if want := db(tt.want).Delete("deletionProtection"); !e.inputs.Equals(want) {
				t.Errorf("inputs %v, want %v", e.inputs, want)
			}
			if e.out("host") == "" || e.short(e.out("clusterId")) != "1001" {
				t.Errorf("outputs %v", e.outputs)
			}
			e.steps(e.inputs, "same") // Check accepts what Read returns
			if op, err := e.up(db(map[string]any{"labels": tt.want["labels"]})); err != nil || op == "replace" {
				t.Errorf("%s, %v", op, err)
			}
			if got := c.only().Labels[provider.OwnerLabel]; got != owner {
				t.Errorf("owned by %v", got)
			}
		}))
	}
	inBubble(func(t *testing.T, c *cloud, e *engine) {
		e.id = "10000000000000000001"
		_, err := e.refresh()
		testcheck.Error(t, err, "cluster 10000000000000000001 does not exist")
	})(t)
}

// TestProvider_Faults has the effects of a fault of one call.
func TestCluster_Delete(t *testing.T) {
	request := []string{"DELETE /clusters/*"}
	forbidden := emulator.Fault{Method: "GET", Path: "/clusters/*", Status: 403, Body: `{}`, Times: -1}
	for _, tt := range []struct {
		name    string
		hand    hand
		faults  []emulator.Fault
		wantErr string
		writes  []string
	}{
		{"there", nil, nil, "", request},
		{"missing", deleted, nil, "", nil},
		{"being deleted", deleting, nil, "", nil},
		{"missing by then", nil, []emulator.Fault{{Method: "DELETE", Path: "/clusters/*", Status: 404, After: true}}, "", request},
		{"404 for one that exists", nil, []emulator.Fault{{Method: "DELETE", Path: "/clusters/*", Status: 404, Body: `{}`}}, "404 Not Found", request},
		{"without its label", labeling(provider.OwnerLabel, ""), nil, "", request},
		{"403, and on its way out", holding("DELETING"), []emulator.Fault{forbidden}, "", nil},
		{"403", nil, []emulator.Fault{forbidden}, "403 Forbidden", nil},
	} {
		t.Run(tt.name, withDB(db(nil), func(t *testing.T, c *cloud, e *engine) {
			if tt.hand != nil {
				tt.hand(c, e.id)
			}
			c.fail(tt.faults...)
			testcheck.Error(t, e.delete(), tt.wantErr)
			same(t, "writes", c.wrote(), tt.writes)
			if gone := len(c.alive()) == 0; gone != (tt.wantErr == "") {
				t.Errorf("gone: %v", gone)
			}
		}))
	}
}

func TestCluster_Delete_waits(t *testing.T) {
	withDB(db(nil), func(t *testing.T, c *cloud, e *engine) {
		c.DeleteTime = time.Hour
		start := time.Now()
		time.AfterFunc(42*time.Second, func() { _ = e.Cancel() })
		testcheck.Error(t, e.delete(), "still DELETING after 42s: context canceled")
		if took := time.Since(start); took != 42*time.Second {
			t.Errorf("ended after %s", took)
		}
		e.log.shows(e.t, "status", "cluster portfolio-db is DELETING, 3 s")
	})(t)
}
