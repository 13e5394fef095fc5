package provider_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"portfolio-infra/internal/provider"
	"portfolio-infra/internal/sandbox/emulator"
	"portfolio-infra/internal/testcheck"
)

// hand is what somebody does to a cluster outside of Pulumi.
type hand func(c *cloud, id string)

func patching(mask string, value any) hand {
	return func(c *cloud, id string) { c.patch(id, mask, value) }
}

// labeling sets a label. The emulator removes none, but an empty owner label means the same.
func labeling(key, value string) hand { return patching("labels", map[string]string{key: value}) }

func holding(state string) hand { return func(c *cloud, id string) { c.hold(id, state) } }

func networks(list ...any) hand { return patching("endpoints.public.authorizedNetworks", list) }

func deleting(c *cloud, id string) { c.byHand("DELETE", "/clusters/"+id, nil) }

func deleted(c *cloud, id string) {
	deleting(c, id)
	time.Sleep(time.Minute)
}

func TestCluster_Diff(t *testing.T) {
	renamed := map[string]any{"displayName": "another"}
	replaced := []string{"clusterId delete&replace"}
	for _, tt := range []struct {
		name  string
		from  map[string]any
		hand  hand
		to    map[string]any
		want  []string
		calls int
		warn  string
	}{
		{"nothing", nil, nil, nil, nil, 1, ""},
		{"nothing of much", full, nil, full, nil, 1, ""},
		{"name", nil, nil, renamed, []string{"displayName update"}, 2, ""},
		{"region", nil, nil, map[string]any{"region": virginia}, []string{"region update&replace"}, 0, ""},
		{"region and name", nil, nil, map[string]any{"region": virginia, "displayName": "another"}, []string{"displayName update", "region update&replace"}, 0, ""},
		{"owner", nil, nil, map[string]any{"owner": "portfolio.prod"}, []string{"owner update"}, 1, ""},
		{"more", nil, nil, full, []string{"authorizedNetworks add", "labels add", "spendingLimitMonthly add"}, 1, ""},
		{"less", full, nil, map[string]any{"labels": full["labels"]}, []string{"authorizedNetworks delete", "spendingLimitMonthly delete"}, 1,
			"spendingLimitMonthly was removed: TiDB Cloud keeps the limit"},
		{"project", nil, nil, map[string]any{"projectId": "7"}, []string{"projectId add"}, 1, ""},
		{"adopt", nil, nil, map[string]any{"adopt": true}, []string{"adopt add"}, 1, ""},
		{"time-out", nil, nil, map[string]any{"createTimeoutSeconds": 20}, []string{"createTimeoutSeconds add"}, 1, ""},
		{"unknown label", full, nil, changed("labels", map[string]any{"team": unknown}), []string{"labels update"}, 1, ""},

		{"renamed", nil, patching("displayName", "prod"), nil, []string{"displayName update"}, 2, `displayName is "prod"`},
		{"renamed as wanted", nil, patching("displayName", "another"), renamed, []string{"displayName update"}, 1, ""},
		{"owner label lost", nil, labeling(provider.OwnerLabel, ""), nil, []string{"owner update"}, 1, `owner is ""`},
		{"own label changed", full, labeling("team", "ops"), full, []string{"labels update"}, 1, "labels is"},
		{"another label", nil, labeling("cost", "low"), nil, nil, 1, ""},
		{"spending limit", full, patching("spendingLimit.monthly", 9), full, []string{"spendingLimitMonthly update"}, 1, "spendingLimitMonthly is 9"},
		{"unset spending limit", nil, patching("spendingLimit.monthly", 9), nil, nil, 1, ""},
		{"networks", full, networks(home), full, []string{"authorizedNetworks update"}, 1, "authorizedNetworks is"},
		{"networks in another order", full, networks(work, home), full, nil, 1, ""},
		{"under maintenance", nil, holding("MAINTENANCE"), nil, nil, 1, ""},
		{"inactive", nil, holding("INACTIVE"), nil, nil, 1, "is INACTIVE; resume it"},
		{"deleted", nil, deleted, nil, replaced, 5, `cluster "portfolio-db" (1001) no longer exists in TiDB Cloud`},
		{"DELETED", nil, holding("DELETED"), nil, replaced, 3, "no longer exists"},
		{"being deleted", nil, deleting, nil, replaced, 4, "no longer exists"},
		{"being deleted, and another name", nil, deleting, renamed, []string{"clusterId delete&replace", "displayName update"}, 4, "no longer exists"},
	} {
		t.Run(tt.name, withDB(db(tt.from), func(t *testing.T, c *cloud, e *engine) {
			if tt.hand != nil {
				tt.hand(c, e.id)
			}
			diff, err := e.diff(db(tt.to))
			if got := properties(diff); err != nil || !slices.Equal(got, tt.want) || diff.HasChanges != (len(tt.want) > 0) || !diff.DeleteBeforeReplace {
				t.Errorf("got %q, %+v, %v", got, diff, err)
			}
			if got := c.called(); len(got) != tt.calls {
				t.Errorf("called %q", got)
			}
			e.log.want(t, tt.warn)
			if strings.Contains(tt.name, "unknown") {
				return
			}
			// What the diff announces, a run does.
			if _, err := e.up(db(tt.to)); err != nil && tt.name != "inactive" {
				t.Fatal(err)
			}
			e.steps(db(tt.to), "same")
			e.unchanged()
		}))
	}
}

// Diffs that fail, or that only warn.
func TestCluster_Diff_refuses(t *testing.T) {
	get := func(status int) emulator.Fault {
		return emulator.Fault{Method: "GET", Path: "/clusters/*", Status: status, Times: -1}
	}
	for _, tt := range []struct {
		name    string
		faults  []emulator.Fault
		to      map[string]any
		wantErr []string // none: it says "same"
		warn    string
	}{
		{"503", []emulator.Fault{get(503)}, nil, nil, "using the recorded state of cluster 1001, which could not be read"},
		{"reset", []emulator.Fault{{Method: "GET", Path: "/clusters/*", Reset: true, Times: -1}}, nil, nil, "which could not be read"},
		{"403", []emulator.Fault{get(403)}, nil, []string{"the API key may not do this"}, ""},
		{"401", []emulator.Fault{get(401)}, nil, []string{"tidbcloud:publicKey"}, ""},
		{"400", []emulator.Fault{get(400)}, nil, []string{"400 Bad Request"}, ""},
		{"missing for a moment", []emulator.Fault{{Method: "GET", Path: "/clusters/*", Status: 404, Body: `{}`}, {Method: "GET", Path: "/clusters", Body: `{"clusters":[]}`}},
			nil, []string{`cluster "portfolio-db" (1001) was missing a moment ago and is back`}, ""},
		{"still on the list", []emulator.Fault{get(404)}, nil, []string{"404", "it is still on the list of clusters, so nothing was done"}, ""},
		{"name of another cluster", nil, map[string]any{"displayName": "another"},
			[]string{`cluster "portfolio-db" (1001) was not renamed`, `cluster "another" (1002) in ` + virginia, `is "blog.prod"`, "choose another displayName"}, ""},
	} {
		t.Run(tt.name, withDB(db(nil), func(t *testing.T, c *cloud, e *engine) {
			other := c.add("another", virginia, map[string]string{provider.OwnerLabel: "blog.prod"}, time.Now())
			c.fail(tt.faults...)
			op, err := e.up(db(tt.to))
			testcheck.Error(t, err, tt.wantErr...)
			if want := map[bool]string{true: "same", false: "diff"}[tt.wantErr == nil]; op != want || len(c.wrote()) > 0 {
				t.Errorf("%s, which wrote", op)
			}
			e.log.want(t, tt.warn)
			c.fail()
			deleting(c, other)
			if _, err := e.up(db(tt.to)); err != nil {
				t.Errorf("then %v", err)
			}
		}))
	}
}

// A cluster that another stack has adopted is no longer touched, refresh or not.
func TestCluster_adoptedByAnother(t *testing.T) {
	for _, refreshed := range []bool{false, true} {
		withDB(db(nil), func(t *testing.T, c *cloud, e *engine) {
			c.patch(e.id, "labels", map[string]string{provider.OwnerLabel: "blog.prod"})
			if refreshed {
				e.refreshes()
			}
			const want = `its label pulumi.com/owner says that it belongs to "blog.prod" now; to leave it to "blog.prod", remove it from the state with ` + "`pulumi state delete --force --target-dependents 'URN'`"
			e.tryUp(db(map[string]any{"displayName": "portfolio-db-2"}), want)
			testcheck.Error(t, e.delete(), want)
			if wrote := c.wrote(); len(wrote) > 0 || len(c.alive()) != 1 {
				t.Errorf("wrote %q", wrote)
			}
		})(t)
	}
}

// If the owner changes, so does the made-for label, unless it is somebody else's.
func TestCluster_Update_owner(t *testing.T) {
	for madeFor, want := range map[string]string{owner: "portfolio.prod", "blog.prod": "blog.prod"} {
		withDB(db(nil), func(t *testing.T, c *cloud, e *engine) {
			c.patch(e.id, "labels", map[string]string{provider.MadeForLabel: madeFor})
			e.steps(db(map[string]any{"owner": "portfolio.prod"}), "update", "same")
			labels := c.only().Labels
			if labels[provider.OwnerLabel] != "portfolio.prod" || labels[provider.MadeForLabel] != want {
				t.Errorf("made for %s, it bears %v", madeFor, labels)
			}
		})(t)
	}
}

// The usual reason for INACTIVE is the spending limit, so a new one comes before the wait.
func TestCluster_Update_inactive(t *testing.T) {
	withDB(db(full), func(t *testing.T, c *cloud, e *engine) {
		c.hold(e.id, "INACTIVE")
		c.onCall = func(call string) {
			if call == "PATCH /clusters/* spendingLimit.monthly" {
				c.hold(e.id, "")
			}
		}
		more := changed("spendingLimitMonthly", 900)
		e.steps(db(more), "update", "same")
		c.hold(e.id, "INACTIVE")
		more["createTimeoutSeconds"] = 60
		e.tryUp(db(more), "is INACTIVE; resume it")
	})(t)
}
