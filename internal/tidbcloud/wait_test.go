package tidbcloud_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"portfolio-infra/internal/rest/resttest"
	"portfolio-infra/internal/testcheck"
	"portfolio-infra/internal/tidbcloud"
)

const (
	second = time.Second
	active = `{"clusterId":"1","displayName":"portfolio-db","state":"ACTIVE","userPrefix":"p","endpoints":{"public":{"host":"h","port":4000}}}`
)

// in returns a cluster's step into a state.
func in(state string, from time.Duration) step {
	return step{from, 200, fmt.Sprintf(`{"clusterId":"1","displayName":"portfolio-db","state":%q}`, state)}
}

// up returns a cluster's step to ACTIVE with an address.
func up(from time.Duration) step { return step{from, 200, active} }

// shown returns a step to ACTIVE with an address, of a plan and with more fields.
func shown(plan, more string, from time.Duration) step {
	return step{from, 200, fmt.Sprintf(`{"clusterId":"1","displayName":"portfolio-db","state":"ACTIVE","servicePlan":%q,"endpoints":{"public":{"host":"h","port":4000%s}}}`, plan, more)}
}

// fails returns a step from which on the API fails.
func fails(status int, from time.Duration) step { return step{from, status, "{}"} }

func TestClient_WaitUntilConnectable(t *testing.T) {
	type steps = []step
	const deadline = time.Hour
	for _, tt := range []struct {
		name     string
		life     steps
		deadline time.Duration
		min, max time.Duration
		wantErr  string
		statuses []string // the changes
	}{
		{"at once", steps{up(0)}, deadline, 0, 0, "", nil},
		{"usual", steps{in("CREATING", 0), up(9500 * time.Millisecond)}, deadline, 9500 * time.Millisecond, 10500 * time.Millisecond, "", []string{"CREATING"}},
		{"just before half a minute", steps{in("CREATING", 0), up(29100 * time.Millisecond)}, deadline, 29100 * time.Millisecond, 30100 * time.Millisecond, "", []string{"CREATING"}},
		{"slow", steps{in("CREATING", 0), up(101 * second)}, deadline, 101 * second, 106 * second, "", []string{"CREATING"}},
		{"address comes later", steps{in("CREATING", 0), in("ACTIVE", 5*second), up(8 * second)}, deadline, 8 * second, 9 * second, "", []string{"CREATING", "ACTIVE without an address"}},
		{"a Starter's prefix comes later", steps{shown("Starter", "", 0), up(3 * second)}, deadline, 3 * second, 4 * second, "", []string{"ACTIVE without an address"}},
		{"an Essential has no prefix", steps{in("CREATING", 0), shown("Essential", "", 3*second)}, deadline, 3 * second, 4 * second, "", []string{"CREATING"}},
		{"endpoint switched off", steps{in("CREATING", 0), shown("Essential", `,"disabled":true`, 3*second)}, deadline, 3 * second, 4 * second,
			`cluster "portfolio-db" (1) is ACTIVE, but its public endpoint is switched off; switch it on in the TiDB Cloud console, ` +
				"or with `ticloud serverless update --cluster-id 1 --disable-public-endpoint=false`", []string{"CREATING"}},
		{"other states", steps{in("RESTORING", 0), in("MAINTENANCE", 2*second), in("PONDERING", 4*second), in("", 6*second), up(8 * second)}, deadline, 8 * second, 9 * second, "",
			[]string{"RESTORING", "MAINTENANCE", "PONDERING", "in an unknown state"}},
		{"unreachable for a minute", steps{in("CREATING", 0), fails(503, 2*second), up(60 * second)}, deadline, 60 * second, 75 * second, "", nil},
		{"inactive", steps{in("CREATING", 0), in("INACTIVE", 3*second)}, deadline, 3 * second, 4 * second, `cluster "portfolio-db" (1) is INACTIVE; resume it`, []string{"CREATING"}},
		{"deleting", steps{in("DELETING", 0)}, deadline, 0, 0, `cluster "portfolio-db" (1) is DELETING`, nil},
		{"deleted", steps{in("DELETED", 0)}, deadline, 0, 0, `is DELETED`, nil},
		{"missing", steps{fails(404, 0)}, deadline, 0, 0, `404 Not Found`, nil},
		{"forbidden", steps{fails(403, 0)}, deadline, 0, 0, `403 Forbidden`, nil},
		{"deadline", steps{in("CREATING", 0)}, 90 * second, 90 * second, 90 * second, "waiting for cluster 1: still CREATING after 1m30s: context deadline exceeded", []string{"CREATING"}},
		{"deadline while unreachable", steps{fails(503, 0)}, 90 * second, 80 * second, 90 * second, "unreachable (", nil},
		{"soon after the fast polls", steps{in("CREATING", 0)}, 62100 * time.Millisecond, 62100 * time.Millisecond, 62100 * time.Millisecond, "still CREATING after 1m2s", []string{"CREATING"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), tt.deadline)
				defer cancel()
				var changes []string
				last := time.Duration(0)
				start := time.Now()
				got, err := clientOf(life(tt.life...)).WaitUntilConnectable(ctx, "1", func(status string, waited time.Duration) {
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
				if took < tt.min || took > tt.max || err == nil && !got.Connectable() {
					t.Errorf("got %+v after %s, want %s to %s", got, took, tt.min, tt.max)
				}
				if diff := cmp.Diff(tt.statuses, changes); tt.statuses != nil && diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

func TestClient_WaitUntilConnectable_error(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, err := clientOf(life(in("INACTIVE", 0))).WaitUntilConnectable(t.Context(), "1", nil)
		var state *tidbcloud.StateError
		if !errors.As(err, &state) || state.Cluster.State != tidbcloud.StateInactive {
			t.Error(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(4300*time.Millisecond, cancel)
		start := time.Now()
		_, err = clientOf(life(in("CREATING", 0))).WaitUntilConnectable(ctx, "1", nil)
		testcheck.Error(t, err, "still CREATING after 4s: context canceled")
		if !errors.Is(err, context.Canceled) || time.Since(start) != 4300*time.Millisecond {
			t.Errorf("after %s: %v", time.Since(start), err)
		}
	})
}

// The deadline may pass in a slow listener.
func TestClient_WaitUntilConnectable_slowListener(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := clientOf(life(in("CREATING", 0))).WaitUntilConnectable(ctx, "1", func(string, time.Duration) { time.Sleep(2 * time.Minute) })
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
		api := life(in("CREATING", 0))
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

func TestClient_WaitUntilGone(t *testing.T) {
	type steps = []step
	for _, tt := range []struct {
		name     string
		life     steps
		min, max time.Duration
		wantErr  string
	}{
		{"404", steps{in("DELETING", 0), fails(404, 4*second)}, 4 * second, 5 * second, ""},
		{"403", steps{in("DELETING", 0), fails(403, 4*second)}, 4 * second, 5 * second, ""},
		{"DELETED", steps{in("DELETING", 0), in("DELETED", 4*second)}, 4 * second, 5 * second, ""},
		{"still ACTIVE at first", steps{up(0), in("DELETING", 2*second), fails(404, 4*second)}, 4 * second, 5 * second, ""},
		{"unreachable", steps{fails(500, 0), fails(404, 20*second)}, 20 * second, 30 * second, ""},
		{"wrong keys", steps{fails(401, 0)}, 0, 0, "401"},
		{"never", steps{in("DELETING", 0)}, 300 * second, 300 * second, "waiting for the deletion of cluster 1: still DELETING after 5m0s"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
				defer cancel()
				start := time.Now()
				err := clientOf(life(tt.life...)).WaitUntilGone(ctx, "1", nil)
				testcheck.Error(t, err, tt.wantErr)
				if took := time.Since(start); took < tt.min || took > tt.max {
					t.Errorf("took %s, want %s to %s", took, tt.min, tt.max)
				}
			})
		})
	}
}
