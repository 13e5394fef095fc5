package tidbcloud_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"portfolio-infra/internal/rest"
	"portfolio-infra/internal/rest/resttest"
	"portfolio-infra/internal/testcheck"
	"portfolio-infra/internal/tidbcloud"
)

const wholeBranch = `{
  "name": "clusters/10205/branches/bran-1", "branchId": "bran-1", "displayName": "pr-1", "clusterId": "10205", "parentId": "10205",
  "parentDisplayName": "portfolio-db", "parentTimestamp": "2026-01-02T03:04:05Z", "createdBy": "a@example.com", "userPrefix": "4pTAoNNegb47Uc8",
  "endpoints": {"public": {"host": "gateway01.example.com", "port": 4000, "disabled": false}, "private": {"host": "privatelink", "port": 4000}},
  "state": "ACTIVE", "annotations": {"tidb.cloud/has-set-password": "true", "pulumi.com/owner": "portfolio.dev"},
  "createTime": "2026-01-02T03:04:06Z", "updateTime": "2026-01-02T03:05:05Z", "unheardOf": [1]
}`

func TestClient_GetBranch(t *testing.T) {
	for _, tt := range []struct {
		name, body string
		want       *tidbcloud.Branch
		wantErr    string
	}{
		{"whole", wholeBranch, &tidbcloud.Branch{
			ID: "bran-1", ClusterID: "10205", DisplayName: "pr-1", State: "ACTIVE", ParentTimestamp: "2026-01-02T03:04:05Z",
			Annotations: map[string]string{"tidb.cloud/has-set-password": "true", "pulumi.com/owner": "portfolio.dev"},
			Host:        "gateway01.example.com", Port: 4000, UserPrefix: "4pTAoNNegb47Uc8", CreateTime: "2026-01-02T03:04:06Z",
		}, ""},
		{"endpoint switched off", `{"branchId":"bran-1","endpoints":{"public":{"disabled":true}}}`, &tidbcloud.Branch{ID: "bran-1", EndpointOff: true}, ""},
		{"ID by name", `{"name":"clusters/10205/branches/bran-1"}`, &tidbcloud.Branch{ID: "bran-1"}, ""},
		{"nulls", `{"branchId":"bran-1","userPrefix":null,"parentTimestamp":null,"endpoints":null}`, &tidbcloud.Branch{ID: "bran-1"}, ""},
		{"no ID", `{"displayName":"pr-1"}`, nil, "a branch without an ID"},
		{"its cluster", `{"name":"clusters/10205","clusterId":"10205"}`, nil, "a branch without an ID"},
		{"another branch", `{"branchId":"bran-2"}`, nil, "the API returned branch bran-2"},
		{"another cluster's", `{"branchId":"bran-1","clusterId":"7"}`, nil, "of cluster 7"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			api := resttest.NewAPI(respond(200, tt.body))
			got, err := clientOf(api).GetBranch(t.Context(), "10205", "bran-1")
			testcheck.Error(t, err, tt.wantErr)
			if diff := cmp.Diff(tt.want, got) + cmp.Diff([]string{"GET /v1beta1/clusters/10205/branches/bran-1?view=FULL"}, api.Calls()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestClient_CreateBranch(t *testing.T) {
	const password = "correct-Horse-1"
	least := tidbcloud.Branch{DisplayName: "pr-1"}
	most := tidbcloud.Branch{DisplayName: "pr-1", Annotations: map[string]string{"a/b": "c"}, ParentTimestamp: "2026-01-02T03:04:05Z"}
	const leastBody = `{"displayName":"pr-1","rootPassword":"` + password + `"}`
	for _, tt := range []struct {
		name      string
		want      tidbcloud.Branch
		status    int
		body      string
		sent      string
		wantErr   string
		limit     bool
		ambiguous bool
	}{
		{"least", least, 200, `{"branchId":"bran-1","state":"CREATING"}`, leastBody, "", false, false},
		{"most", most, 200, `{"branchId":"bran-1"}`,
			`{"displayName":"pr-1","annotations":{"a/b":"c"},"parentTimestamp":"2026-01-02T03:04:05Z","rootPassword":"` + password + `"}`, "", false, false},
		{"quota", least, 400, `{"code":3,"message":"the maximum number of branches is 5"}`, leastBody, "delete a branch that nobody needs", true, false},
		{"quota with another status", least, 403, `{"code":7,"message":"branch quota exceeded"}`, leastBody, "five branches by default", true, false},
		{"large", least, 400, `{"code":3,"message":"the cluster stores more than 100 GiB"}`, leastBody, "use a cluster of its own", true, false},
		{"Essential", least, 400, `{"code":3,"message":"not available for Essential"}`, leastBody, "created since 2026-07-14", true, false},
		{"another 400", least, 400, `{"code":3,"message":"displayName is taken"}`, leastBody, "displayName is taken (code 3, request id trace-1)", false, false},
		{"password in the answer", least, 400, `{"code":3,"message":"bad ` + password + `"}`, leastBody, "bad [password]", false, false},
		{"too many requests", least, 403, `{"code":7,"message":"no"}`, leastBody, "the API key may not do this", false, false},
		{"server error", least, 500, `{"code":13,"message":"quota"}`, leastBody, "it may have taken effect", false, true},
		{"no ID", least, 200, `{}`, leastBody, "a branch without an ID", false, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			api := resttest.NewAPI(respond(tt.status, tt.body))
			got, err := clientOf(api).CreateBranch(t.Context(), "10205", tt.want, password)
			testcheck.Error(t, err, tt.wantErr)
			if rest.Ambiguous(err) != tt.ambiguous || tidbcloud.BranchLimit(err) != tt.limit || err == nil && got.ID != "bran-1" {
				t.Errorf("got %+v, ambiguous %v, limit %v: %v", got, rest.Ambiguous(err), tidbcloud.BranchLimit(err), err)
			}
			if err != nil && strings.Contains(err.Error(), password) {
				t.Errorf("the password shows: %v", err)
			}
			requests := api.Requests()
			if len(requests) != 1 {
				t.Fatalf("%d requests", len(requests))
			}
			if diff := cmp.Diff(decoded(t, tt.sent), decoded(t, requests[0].Body)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Whatever the IDs, no call about a branch reaches its parent: it is not even sent. Sent, "..", which
// the emulator cleans as a gateway might, would delete the parent.
func TestClient_branch_parentIsSafe(t *testing.T) {
	cloud := emulate()
	calls := 0
	c := clientOf(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls++
		cloud.ServeHTTP(w, r)
	}))
	parent := createCluster(t, c)
	calls = 0
	for _, id := range []string{"", ".", "..", "/", "../" + parent.ID, "..%2f", "%2e%2e", "bran-1/..", "bran-1/../..", `..\`, "bran-1?", "bran-1#", ":reset", "..;", "bran-1\n"} {
		for cluster, id := range map[string]string{parent.ID: id, id: "bran-1"} {
			_, getErr := c.GetBranch(t.Context(), cluster, id)
			for _, err := range []error{
				getErr, c.DeleteBranch(t.Context(), cluster, id), c.ResetBranch(t.Context(), cluster, id),
				c.SetBranchPassword(t.Context(), cluster, id, "p.root", "correct horse"), c.WaitUntilBranchGone(t.Context(), cluster, id, nil),
			} {
				testcheck.Error(t, err, "is not the ID of a cluster or branch")
			}
		}
	}
	if calls != 0 {
		t.Errorf("%d calls were sent", calls)
	}
	if err := c.DeleteBranch(t.Context(), parent.ID, parent.ID); err == nil {
		t.Error("the parent's ID counts as a branch's")
	}
	if _, err := c.GetCluster(t.Context(), parent.ID); err != nil {
		t.Error(err)
	}
}

// Writes that are repeated do the same; a reset is sent once.
func TestClient_branch_retries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud, lose := emulate(), false
		var writes []string
		c := clientOf(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodGet && r.Header.Get("Authorization") != "" {
				writes = append(writes, r.Method)
				if lose = !lose; lose {
					cloud.ServeHTTP(httptest.NewRecorder(), r)
					panic(http.ErrAbortHandler)
				}
			}
			cloud.ServeHTTP(w, r)
		}))
		lose = true
		parent := createCluster(t, c)
		lose = true
		b, err := c.CreateBranch(t.Context(), parent.ID, tidbcloud.Branch{DisplayName: "pr-1"}, "correct horse")
		if err != nil {
			t.Fatal(err)
		}
		lose, writes = false, nil
		if err := c.ResetBranch(t.Context(), parent.ID, b.ID); !rest.Ambiguous(err) {
			t.Errorf("a reset whose answer is lost: %v", err)
		}
		lose = false
		if err := c.SetBranchPassword(t.Context(), parent.ID, b.ID, b.UserPrefix+".root", "another horse"); err != nil || !cloud.CheckPassword(b.ID, b.UserPrefix+".root", "another horse") {
			t.Error(err)
		}
		if err := c.DeleteBranch(t.Context(), parent.ID, b.ID); err != nil && !rest.StatusIs(err, 404) {
			t.Error(err)
		}
		if diff := cmp.Diff([]string{"POST", "PATCH", "PATCH", "DELETE", "DELETE"}, writes); diff != "" {
			t.Error(diff)
		}
	})
}

func TestClient_WaitUntilBranch(t *testing.T) {
	in := func(state, more string, from time.Duration) step {
		return step{from, 200, `{"branchId":"bran-1","displayName":"pr-1","state":"` + state + `"` + more + `}`}
	}
	const address = `,"userPrefix":"p","endpoints":{"public":{"host":"h","port":4000}}`
	ready := func(c *tidbcloud.Client, ctx context.Context) error {
		_, err := c.WaitUntilBranchConnectable(ctx, "1", "bran-1", nil)
		return err
	}
	gone := func(c *tidbcloud.Client, ctx context.Context) error {
		return c.WaitUntilBranchGone(ctx, "1", "bran-1", nil)
	}
	type steps = []step
	for _, tt := range []struct {
		name     string
		wait     func(*tidbcloud.Client, context.Context) error
		life     steps
		min, max time.Duration
		wantErr  string
	}{
		{"usual", ready, steps{in("CREATING", "", 0), in("ACTIVE", address, 9500*time.Millisecond)}, 9500 * time.Millisecond, 10500 * time.Millisecond, ""},
		{"address comes later", ready, steps{in("ACTIVE", "", 0), in("ACTIVE", address, 3*second)}, 3 * second, 4 * second, ""},
		{"restoring", ready, steps{in("RESTORING", address, 0), in("ACTIVE", address, 3*second)}, 3 * second, 4 * second, ""},
		{"deleted", ready, steps{in("DELETED", "", 0)}, 0, 0, `branch "pr-1" (bran-1) is DELETED`},
		{"endpoint switched off", ready, steps{in("ACTIVE", `,"endpoints":{"public":{"disabled":true}}`, 0)}, 0, 0, "its public endpoint is switched off"},
		{"missing", ready, steps{fails(404, 0)}, 0, 0, "404 Not Found"},
		{"never", ready, steps{in("CREATING", "", 0)}, 300 * second, 300 * second, "waiting for branch bran-1: still CREATING after 5m0s"},
		{"gone", gone, steps{in("DELETED", "", 0), fails(404, 4*second)}, 4 * second, 5 * second, ""},
		{"still ACTIVE at first", gone, steps{in("ACTIVE", "", 0), in("DELETED", "", 2*second), fails(404, 4*second)}, 4 * second, 5 * second, ""},
		{"forbidden", gone, steps{in("DELETED", "", 0), fails(403, 4*second)}, 4 * second, 5 * second, "403 Forbidden"},
		{"never gone", gone, steps{in("DELETED", "", 0)}, 300 * second, 300 * second, "waiting for the deletion of branch bran-1: still DELETED after 5m0s"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
				defer cancel()
				start := time.Now()
				testcheck.Error(t, tt.wait(clientOf(life(tt.life...)), ctx), tt.wantErr)
				if took := time.Since(start); took < tt.min || took > tt.max {
					t.Errorf("took %s, want %s to %s", took, tt.min, tt.max)
				}
			})
		})
	}
}
