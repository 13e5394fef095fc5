package tidbcloud_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"portfolio-infra/internal/tidbcloud"
)

func canceledAfter(t *testing.T, d time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(t.Context())
	if d == 0 {
		cancel()
	} else {
		time.AfterFunc(d, cancel)
	}
	return ctx, cancel
}

// life is a cluster whose answer depends on its age.
type life []struct {
	from   time.Duration
	answer string
}

func (l life) fake() *fake {
	start := time.Now()
	return &fake{routes: map[string]http.HandlerFunc{
		"GET /v1beta1/clusters/1": func(w http.ResponseWriter, r *http.Request) {
			now := l[0]
			for _, step := range l {
				if time.Since(start) >= step.from {
					now = step
				}
			}
			inTurn(now.answer)(w, r)
		},
	}}
}

const active = `{"clusterId":"1","displayName":"portfolio-db","state":"ACTIVE","userPrefix":"p","endpoints":{"public":{"host":"h","port":4000}}}`

func in(state string) string {
	return fmt.Sprintf(`{"clusterId":"1","displayName":"portfolio-db","state":%q}`, state)
}

// A time-out is one even if it comes while nobody is looking.
func TestClient_WaitUntilConnectable_lateListener(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		c := clientOf(life{{0, in("CREATING")}}.fake())
		cluster, err := c.WaitUntilConnectable(ctx, "1", func(string, time.Duration) { time.Sleep(2 * time.Minute) })
		if cluster != nil || !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "still CREATING after 2m") {
			t.Errorf("%v, %v", cluster, err)
		}
	})
}

func TestClient_WaitUntilConnectable(t *testing.T) {
	second := time.Second
	for _, tt := range []struct {
		name     string
		life     life
		deadline time.Duration
		cancel   time.Duration
		min, max time.Duration
		wantErr  string
		statuses []string // the changes
	}{
		{"at once", life{{0, active}}, 0, 0, 0, 0, "", nil},
		{"usual", life{{0, in("CREATING")}, {9500 * time.Millisecond, active}}, 0, 0, 9500 * time.Millisecond, 10500 * time.Millisecond, "", []string{"CREATING"}},
		{"just before half a minute", life{{0, in("CREATING")}, {29100 * time.Millisecond, active}}, 0, 0, 29100 * time.Millisecond, 30100 * time.Millisecond, "", []string{"CREATING"}},
		{"slow", life{{0, in("CREATING")}, {101 * second, active}}, 0, 0, 101 * second, 106 * second, "", []string{"CREATING"}},
		{"address comes later", life{{0, in("CREATING")}, {5 * second, in("ACTIVE")}, {8 * second, active}}, 0, 0, 8 * second, 9 * second, "", []string{"CREATING", "ACTIVE without an address"}},
		{"restoring, maintenance, unheard of, none", life{{0, in("RESTORING")}, {2 * second, in("MAINTENANCE")}, {4 * second, in("PONDERING")}, {6 * second, in("")}, {8 * second, active}}, 0, 0, 8 * second, 9 * second, "",
			[]string{"RESTORING", "MAINTENANCE", "PONDERING", "in an unknown state"}},
		{"trouble for a minute", life{{0, in("CREATING")}, {2 * second, `503 {}`}, {60 * second, active}}, 0, 0, 60 * second, 75 * second, "", nil},
		{"inactive", life{{0, in("CREATING")}, {3 * second, in("INACTIVE")}}, 0, 0, 3 * second, 4 * second, `cluster "portfolio-db" (1) is INACTIVE; resume it`, []string{"CREATING"}},
		{"deleting", life{{0, in("DELETING")}}, 0, 0, 0, 0, `cluster "portfolio-db" (1) is DELETING`, nil},
		{"deleted", life{{0, in("DELETED")}}, 0, 0, 0, 0, `is DELETED`, nil},
		{"missing", life{{0, `404 {}`}}, 0, 0, 0, 0, `404 Not Found`, nil},
		{"forbidden", life{{0, `403 {}`}}, 0, 0, 0, 0, `403 Forbidden`, nil},
		{"deadline", life{{0, in("CREATING")}}, 90 * second, 0, 90 * second, 90 * second, "waiting for cluster 1: still CREATING after 1m30s: context deadline exceeded", []string{"CREATING"}},
		{"cancelled", life{{0, in("CREATING")}}, 0, 4300 * time.Millisecond, 4300 * time.Millisecond, 4300 * time.Millisecond, "still CREATING after 4s: context canceled", []string{"CREATING"}},
		{"cancelled late", life{{0, in("CREATING")}}, 0, 62100 * time.Millisecond, 62100 * time.Millisecond, 62100 * time.Millisecond, "context canceled", []string{"CREATING"}},
		{"deadline in trouble", life{{0, `503 {"message":"oops"}`}}, 90 * second, 0, 80 * second, 90 * second, "unreachable (", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx := t.Context()
				if tt.deadline > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, tt.deadline)
					defer cancel()
				}
				if tt.cancel > 0 {
					var cancel context.CancelFunc
					ctx, cancel = canceledAfter(t, tt.cancel)
					defer cancel()
				}
				f := tt.life.fake()
				var changes []string
				var said []time.Duration
				start := time.Now()
				got, err := f.client().WaitUntilConnectable(ctx, "1", func(status string, waited time.Duration) {
					if len(changes) == 0 || changes[len(changes)-1] != status {
						changes = append(changes, status)
					}
					said = append(said, waited)
				})
				took := time.Since(start)
				if took < tt.min || took > tt.max {
					t.Errorf("took %s, want %s to %s", took, tt.min, tt.max)
				}
				if tt.statuses != nil && !reflect.DeepEqual(changes, tt.statuses) {
					t.Errorf("said %q", changes)
				}
				for i := 1; i < len(said); i++ {
					if tt.statuses != nil && said[i]-said[i-1] > 8*second {
						t.Errorf("silent from %s to %s", said[i-1], said[i])
					}
				}
				if tt.wantErr == "" {
					if err != nil || !got.Connectable() {
						t.Errorf("got %+v, %v", got, err)
					}
					return
				}
				if err == nil || !strings.Contains(err.Error(), tt.wantErr) {
					t.Error(err)
				}
			})
		})
	}
}

func TestClient_WaitUntilConnectable_error(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, err := life{{0, in("INACTIVE")}}.fake().client().WaitUntilConnectable(t.Context(), "1", nil)
		var state *tidbcloud.StateError
		if !errors.As(err, &state) || state.Cluster.State != tidbcloud.StateInactive {
			t.Error(err)
		}
		ctx, cancel := canceledAfter(t, 2*time.Second)
		defer cancel()
		_, err = life{{0, in("CREATING")}}.fake().client().WaitUntilConnectable(ctx, "1", nil)
		if !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

// A minute of looks, at its busiest, leaves room below 100 requests.
func TestClient_WaitUntilConnectable_rate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		f := life{{0, in("CREATING")}}.fake()
		_, _ = f.client().WaitUntilConnectable(ctx, "1", nil)
		for i, first := range f.calls {
			n := 0
			for _, later := range f.calls[i:] {
				if later.at.Sub(first.at) < time.Minute {
					n++
				}
			}
			if n > 50 {
				t.Fatalf("%d looks in the minute after %s", n, first.at)
			}
		}
	})
}

func TestClient_WaitUntilGone(t *testing.T) {
	second := time.Second
	for _, tt := range []struct {
		name     string
		life     life
		min, max time.Duration
		wantErr  string
	}{
		{"404", life{{0, in("DELETING")}, {4 * second, `404 {}`}}, 4 * second, 5 * second, ""},
		{"403", life{{0, in("DELETING")}, {4 * second, `403 {}`}}, 4 * second, 5 * second, ""},
		{"DELETED", life{{0, in("DELETING")}, {4 * second, in("DELETED")}}, 4 * second, 5 * second, ""},
		{"still ACTIVE at first", life{{0, active}, {2 * second, in("DELETING")}, {4 * second, `404 {}`}}, 4 * second, 5 * second, ""},
		{"trouble", life{{0, `500 {}`}, {20 * second, `404 {}`}}, 20 * second, 30 * second, ""},
		{"wrong keys", life{{0, `401 {}`}}, 0, 0, "401"},
		{"never", life{{0, in("DELETING")}}, 300 * second, 300 * second, "waiting for the deletion of cluster 1: still DELETING after 5m0s"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
				defer cancel()
				start := time.Now()
				err := tt.life.fake().client().WaitUntilGone(ctx, "1", nil)
				if took := time.Since(start); took < tt.min || took > tt.max {
					t.Errorf("took %s, want %s to %s", took, tt.min, tt.max)
				}
				if (err == nil) != (tt.wantErr == "") || err != nil && !strings.Contains(err.Error(), tt.wantErr) {
					t.Error(err)
				}
			})
		})
	}
}
