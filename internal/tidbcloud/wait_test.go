package tidbcloud_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"portfolio-infra/internal/rest/resttest"
	"portfolio-infra/internal/testcheck"
	"portfolio-infra/internal/tidbcloud"
)

const second = time.Second

// in returns a step of a cluster, or of a branch of it, into a state, with more fields.
func in(state, more string, from time.Duration) step {
	return step{from, 200, fmt.Sprintf(`{"clusterId":"1","branchId":"bran-1","displayName":"portfolio-db","state":%q%s}`, state, more)}
}

// What an ACTIVE cluster may have.
const (
	address   = `,"endpoints":{"public":{"host":"h","port":4000}}`
	prefix    = `,"userPrefix":"p"`
	off       = `,"endpoints":{"public":{"host":"h","port":4000,"disabled":true}}`
	starter   = `,"servicePlan":"Starter"`
	essential = `,"servicePlan":"Essential"`
)

// up returns a step to ACTIVE with an address.
func up(from time.Duration) step { return in("ACTIVE", address+prefix, from) }

// fails returns a step from which on the API fails.
func fails(status int, from time.Duration) step { return step{from, status, "{}"} }

// What a wait waits for. Each notices it within a second in the usual time, and within five later.
func TestClient_Wait(t *testing.T) {
	type (
		steps = []step
		wait  = func(context.Context, *tidbcloud.Client, tidbcloud.OnStatus) error
	)
	connectable := func(ctx context.Context, c *tidbcloud.Client, on tidbcloud.OnStatus) error {
		got, err := c.WaitUntilConnectable(ctx, "1", on)
		if err == nil && !got.Connectable() {
			t.Errorf("got %+v", got)
		}
		return err
	}
	gone := func(ctx context.Context, c *tidbcloud.Client, on tidbcloud.OnStatus) error {
		return c.WaitUntilGone(ctx, "1", on)
	}
	branch := func(ctx context.Context, c *tidbcloud.Client, on tidbcloud.OnStatus) error {
		_, err := c.WaitUntilBranchConnectable(ctx, "1", "bran-1", on)
		return err
	}
	branchGone := func(ctx context.Context, c *tidbcloud.Client, on tidbcloud.OnStatus) error {
		return c.WaitUntilBranchGone(ctx, "1", "bran-1", on)
	}
	const deadline = 5 * time.Minute
	for _, tt := range []struct {
		name     string
		wait     wait
		life     steps
		deadline time.Duration
		min, max time.Duration
		wantErr  string
		statuses []string // the changes
	}{
		{"at once", connectable, steps{up(0)}, deadline, 0, 0, "", nil},
		{"usual", connectable, steps{in("CREATING", "", 0), up(9500 * time.Millisecond)}, deadline, 9500 * time.Millisecond, 10500 * time.Millisecond, "", []string{"CREATING"}},
		{"just before half a minute", connectable, steps{in("CREATING", "", 0), up(29100 * time.Millisecond)}, deadline, 29100 * time.Millisecond, 30100 * time.Millisecond, "", []string{"CREATING"}},
		{"slow", connectable, steps{in("CREATING", "", 0), up(101 * second)}, deadline, 101 * second, 106 * second, "", []string{"CREATING"}},
		{"address comes later", connectable, steps{in("CREATING", "", 0), in("ACTIVE", "", 5*second), up(8 * second)}, deadline, 8 * second, 9 * second, "", []string{"CREATING", "ACTIVE without an address"}},
		{"a Starter's prefix comes later", connectable, steps{in("ACTIVE", starter+address, 0), up(3 * second)}, deadline, 3 * second, 4 * second, "", []string{"ACTIVE without an address"}},
		{"an Essential has no prefix", connectable, steps{in("CREATING", "", 0), in("ACTIVE", essential+address, 3*second)}, deadline, 3 * second, 4 * second, "", []string{"CREATING"}},
		{"endpoint switched off", connectable, steps{in("CREATING", "", 0), in("ACTIVE", essential+off, 3*second)}, deadline, 3 * second, 4 * second,
			`cluster "portfolio-db" (1) is ACTIVE, but its public endpoint is switched off; switch it on in the TiDB Cloud console, ` +
				"or with `ticloud serverless update --cluster-id 1 --disable-public-endpoint=false`", []string{"CREATING"}},
		{"other states", connectable, steps{in("RESTORING", "", 0), in("MAINTENANCE", "", 2*second), in("PONDERING", "", 4*second), in("", "", 6*second), up(8 * second)}, deadline, 8 * second, 9 * second, "",
			[]string{"RESTORING", "MAINTENANCE", "PONDERING", "in an unknown state"}},
		{"unreachable for a minute", connectable, steps{in("CREATING", "", 0), fails(503, 2*second), up(60 * second)}, deadline, 60 * second, 75 * second, "", nil},
		{"inactive", connectable, steps{in("CREATING", "", 0), in("INACTIVE", "", 3*second)}, deadline, 3 * second, 4 * second, `cluster "portfolio-db" (1) is INACTIVE; resume it`, []string{"CREATING"}},
		{"deleting", connectable, steps{in("DELETING", "", 0)}, deadline, 0, 0, `cluster "portfolio-db" (1) is DELETING`, nil},
		{"missing", connectable, steps{fails(404, 0)}, deadline, 0, 0, `404 Not Found`, nil},
		{"deadline", connectable, steps{in("CREATING", "", 0)}, 90 * second, 90 * second, 90 * second, "waiting for cluster 1: still CREATING after 1m30s: context deadline exceeded", []string{"CREATING"}},
		{"deadline while unreachable", connectable, steps{fails(503, 0)}, 90 * second, 80 * second, 90 * second, "unreachable (", nil},
		{"soon after the fast polls", connectable, steps{in("CREATING", "", 0)}, 62100 * time.Millisecond, 62100 * time.Millisecond, 62100 * time.Millisecond, "still CREATING after 1m2s", []string{"CREATING"}},

		{"404", gone, steps{in("DELETING", "", 0), fails(404, 4*second)}, deadline, 4 * second, 5 * second, "", nil},
		{"403", gone, steps{in("DELETING", "", 0), fails(403, 4*second)}, deadline, 4 * second, 5 * second, "", nil},
		{"DELETED", gone, steps{up(0), in("DELETING", "", 2*second), in("DELETED", "", 4*second)}, deadline, 4 * second, 5 * second, "", []string{"ACTIVE", "DELETING"}},
		{"unreachable", gone, steps{fails(500, 0), fails(404, 20*second)}, deadline, 20 * second, 30 * second, "", nil},
		{"wrong keys", gone, steps{fails(401, 0)}, deadline, 0, 0, "401", nil},
		{"never gone", gone, steps{in("DELETING", "", 0)}, deadline, deadline, deadline, "waiting for the deletion of cluster 1: still DELETING after 5m0s", nil},

		{"branch", branch, steps{in("CREATING", "", 0), in("ACTIVE", address, 2*second), up(4 * second)}, deadline, 4 * second, 5 * second, "", []string{"CREATING", "ACTIVE without an address"}},
		{"branch, restoring", branch, steps{in("RESTORING", address+prefix, 0), up(3 * second)}, deadline, 3 * second, 4 * second, "", []string{"RESTORING"}},
		{"branch, deleted", branch, steps{in("DELETED", "", 0)}, deadline, 0, 0, `branch "portfolio-db" (bran-1) is DELETED`, nil},
		{"branch, endpoint switched off", branch, steps{in("ACTIVE", off, 0)}, deadline, 0, 0, "its public endpoint is switched off", nil},
		{"branch, missing", branch, steps{fails(404, 0)}, deadline, 0, 0, "waiting for branch bran-1: ", nil},
		{"branch, gone", branchGone, steps{in("ACTIVE", "", 0), in("DELETED", "", 2*second), fails(404, 4*second)}, deadline, 4 * second, 5 * second, "", nil},
		{"branch, forbidden", branchGone, steps{in("DELETED", "", 0), fails(403, 4*second)}, deadline, 4 * second, 5 * second, "waiting for the deletion of branch bran-1: ", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), tt.deadline)
				defer cancel()
				var changes []string
				last := time.Duration(0)
				start := time.Now()
				err := tt.wait(ctx, clientOf(life(tt.life...)), func(status string, waited time.Duration) {
					if len(changes) == 0 || changes[len(changes)-1] != status {
						changes = append(changes, status)
					}
					if tt.statuses != nil && waited-last > 8*second {
						t.Errorf("silent from %s to %s", last, waited)
					}
					last = waited
				})
				took := time.Since(start)
				testcheck.Error(t, err, tt.wantErr)
				if took < tt.min || took > tt.max || ctx.Err() != nil && !errors.Is(err, ctx.Err()) {
					t.Errorf("ended after %s, want %s to %s: %v", took, tt.min, tt.max, err)
				}
				if diff := cmp.Diff(tt.statuses, changes); tt.statuses != nil && diff != "" {
					t.Error(diff)
				}
				var state *tidbcloud.StateError
				if errors.As(err, &state) != strings.HasPrefix(tt.wantErr, "cluster ") {
					t.Errorf("whether it is the state's: %v", err)
				}
			})
		})
	}
}

// The deadline may pass in a slow listener.
func TestClient_WaitUntilConnectable_slowListener(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := clientOf(life(in("CREATING", "", 0))).WaitUntilConnectable(ctx, "1", func(string, time.Duration) { time.Sleep(2 * time.Minute) })
		testcheck.Error(t, err, "still CREATING after 2m")
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
}

// The busiest minute of polls stays well below 100 requests.
func TestClient_WaitUntilConnectable_rate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		api := life(in("CREATING", "", 0))
		_, _ = clientOf(api).WaitUntilConnectable(ctx, "1", nil)
		polls := api.Requests()
		for i := range polls {
			if later := i + 50; later < len(polls) && polls[later].At.Sub(polls[i].At) < time.Minute {
				t.Fatalf("more than 50 polls in the minute after %s", polls[i].At)
			}
		}
	})
}

// A wait polls no earlier than the API asks, even if a call has used up its tries. It ends if that is
// too long.
func TestClient_WaitUntilConnectable_retryAfter(t *testing.T) {
	for _, tt := range []struct {
		name, asked string
		polls       int
		took        time.Duration
	}{
		{"soon", "20", 4, time.Minute}, // at 0, 20, 40 and 60 s
		{"in an hour", "3600", 1, 0},
		{"after the deadline", "61", 1, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				api := resttest.NewAPI(resttest.Respond(429, "{}", "Retry-After", tt.asked))
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				start := time.Now()
				_, err := clientOf(api).WaitUntilConnectable(ctx, "1", nil)
				if took := time.Since(start); err == nil || took != tt.took {
					t.Errorf("%v after %s", err, took)
				}
				synctest.Wait() // a poll that began at the deadline may still be on its way
				polls := api.Requests()
				for i := 1; i < len(polls); i++ {
					if gap := polls[i].At.Sub(polls[i-1].At); gap < 20*second {
						t.Errorf("polled again after %s", gap)
					}
				}
				if len(polls) > tt.polls {
					t.Errorf("%d polls", len(polls))
				}
			})
		})
	}
}
