package tidbcloud_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"portfolio-infra/internal/rest"
	"portfolio-infra/internal/rest/resttest"
	"portfolio-infra/internal/testcheck"
	"portfolio-infra/internal/tidbcloud"
)

const wholeCluster = `{
  "name": "clusters/10205", "clusterId": "10205", "displayName": "portfolio-db",
  "region": {"name": "regions/aws-ap-northeast-1", "regionId": "ap-northeast-1", "cloudProvider": "aws"},
  "spendingLimit": {"monthly": 1000}, "version": "v7.5.2", "createdBy": "a@example.com", "userPrefix": "3hXbX9vNzH5r8Yk",
  "endpoints": {"public": {"host": "gateway01.example.com", "port": 4000, "disabled": false,
    "authorizedNetworks": [{"displayName": "home", "startIpAddress": "192.0.2.1", "endIpAddress": "192.0.2.9"}]}},
  "state": "ACTIVE", "labels": {"tidb.cloud/project": "1", "pulumi.com/owner": "portfolio.dev"},
  "clusterPlan": "STARTER", "servicePlan": "Starter",
  "createTime": "2025-01-02T03:04:05Z", "updateTime": "2025-01-02T03:05:05Z", "unheardOf": [1]
}`

const wholeBranch = `{
  "name": "clusters/10205/branches/bran-1", "branchId": "bran-1", "displayName": "pr-1", "clusterId": "10205", "parentId": "10205",
  "parentDisplayName": "portfolio-db", "parentTimestamp": "2026-01-02T03:04:05Z", "createdBy": "a@example.com", "userPrefix": "4pTAoNNegb47Uc8",
  "endpoints": {"public": {"host": "gateway01.example.com", "port": 4000, "disabled": false}, "private": {"host": "privatelink", "port": 4000}},
  "state": "ACTIVE", "annotations": {"tidb.cloud/has-set-password": "true", "pulumi.com/owner": "portfolio.dev"},
  "createTime": "2026-01-02T03:04:06Z", "updateTime": "2026-01-02T03:05:05Z", "unheardOf": [1]
}`

// What is read of a cluster, and of a branch of it.
func TestClient_get(t *testing.T) {
	type (
		Cluster = tidbcloud.Cluster
		Branch  = tidbcloud.Branch
	)
	for _, tt := range []struct {
		name, body string
		want       any
		wantErr    string
	}{
		{"whole cluster", wholeCluster, &Cluster{
			ID: "10205", DisplayName: "portfolio-db", Region: "regions/aws-ap-northeast-1", State: "ACTIVE",
			Labels:        map[string]string{"tidb.cloud/project": "1", "pulumi.com/owner": "portfolio.dev"},
			SpendingLimit: 1000, Networks: []tidbcloud.Network{{DisplayName: "home", StartIPAddress: "192.0.2.1", EndIPAddress: "192.0.2.9"}},
			Host: "gateway01.example.com", Port: 4000, UserPrefix: "3hXbX9vNzH5r8Yk", Plan: "Starter", Version: "v7.5.2", CreateTime: "2025-01-02T03:04:05Z",
		}, ""},
		{"endpoint switched off", `{"clusterId":"10205","endpoints":{"public":{"disabled":true}}}`, &Cluster{ID: "10205", EndpointOff: true}, ""},
		{"plan in capitals alone", `{"clusterId":"10205","clusterPlan":"ESSENTIAL"}`, &Cluster{ID: "10205", Plan: "ESSENTIAL"}, ""},
		{"ID by name", `{"name":"clusters/10205"}`, &Cluster{ID: "10205"}, ""},
		{"nulls", `{"clusterId":"10205","region":null,"endpoints":null,"labels":null,"spendingLimit":null}`, &Cluster{ID: "10205"}, ""},
		{"no ID", `{"displayName":"portfolio-db"}`, &Cluster{}, "reading cluster 10205: "},
		{"another cluster", `{"clusterId":"7"}`, &Cluster{}, "the API returned cluster 7"},

		{"whole branch", wholeBranch, &Branch{
			ID: "bran-1", ClusterID: "10205", DisplayName: "pr-1", State: "ACTIVE", ParentTimestamp: "2026-01-02T03:04:05Z",
			Annotations: map[string]string{"tidb.cloud/has-set-password": "true", "pulumi.com/owner": "portfolio.dev"},
			Host:        "gateway01.example.com", Port: 4000, UserPrefix: "4pTAoNNegb47Uc8", CreateTime: "2026-01-02T03:04:06Z",
		}, ""},
		{"a branch's endpoint switched off", `{"branchId":"bran-1","endpoints":{"public":{"disabled":true}}}`, &Branch{ID: "bran-1", EndpointOff: true}, ""},
		{"a branch's ID by name", `{"name":"clusters/10205/branches/bran-1"}`, &Branch{ID: "bran-1"}, ""},
		{"a branch's nulls", `{"branchId":"bran-1","userPrefix":null,"parentTimestamp":null,"endpoints":null}`, &Branch{ID: "bran-1"}, ""},
		{"a branch without an ID", `{"displayName":"pr-1"}`, &Branch{}, "a branch without an ID"},
		{"its cluster", `{"name":"clusters/10205","clusterId":"10205"}`, &Branch{}, "a branch without an ID"},
		{"another branch", `{"branchId":"bran-2"}`, &Branch{}, "the API returned branch bran-2"},
		{"another cluster's", `{"branchId":"bran-1","clusterId":"7"}`, &Branch{}, "of cluster 7"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			api := resttest.NewAPI(respond(200, tt.body))
			c, call := clientOf(api), "GET /v1beta1/clusters/10205"
			var got any
			var err error
			if _, branch := tt.want.(*Branch); branch {
				got, err = c.GetBranch(t.Context(), "10205", "bran-1")
				call += "/branches/bran-1?view=FULL"
			} else {
				got, err = c.GetCluster(t.Context(), "10205")
			}
			if testcheck.Error(t, err, tt.wantErr); err != nil {
				return
			}
			if diff := cmp.Diff(tt.want, got) + cmp.Diff([]string{call}, api.Calls()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestClient_ListClusters(t *testing.T) {
	page := func(token string, ids ...string) http.HandlerFunc {
		var clusters []string
		for _, id := range ids {
			clusters = append(clusters, fmt.Sprintf(`{"clusterId":%q}`, id))
		}
		return respond(200, fmt.Sprintf(`{"clusters":[%s],"nextPageToken":%q}`, strings.Join(clusters, ","), token))
	}
	var endless []http.HandlerFunc
	for i := range 200 {
		endless = append(endless, page(fmt.Sprint("p", i)))
	}
	const first = "GET /v1beta1/clusters?pageSize=100"
	for _, tt := range []struct {
		name    string
		pages   []http.HandlerFunc
		want    []string
		calls   []string
		wantErr string
	}{
		{"none", []http.HandlerFunc{respond(200, "{}")}, nil, []string{first}, ""},
		{"one page", []http.HandlerFunc{page("", "1", "2")}, []string{"1", "2"}, []string{first}, ""},
		{"three pages", []http.HandlerFunc{page("a/b", "1"), page("c", "2"), page("", "3")}, []string{"1", "2", "3"},
			[]string{first, first + "&pageToken=a%2Fb", first + "&pageToken=c"}, ""},
		{"token that repeats", []http.HandlerFunc{page("a", "1"), page("a", "2")}, nil, nil, "listing clusters: the API repeats a page token"},
		{"tokens without end", endless, nil, nil, "listing clusters: the list has more than 100 pages"},
		{"cluster without an ID", []http.HandlerFunc{respond(200, `{"clusters":[{"clusterId":"1"},{}]}`)}, nil, nil, "a cluster without an ID"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			api := resttest.NewAPI(tt.pages...)
			clusters, err := clientOf(api).ListClusters(t.Context())
			testcheck.Error(t, err, tt.wantErr)
			if err != nil {
				return
			}
			var got []string
			for _, c := range clusters {
				got = append(got, c.ID)
			}
			if diff := cmp.Diff(tt.want, got) + cmp.Diff(tt.calls, api.Calls()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A cluster or a branch is created by one request, and a limit is told from other refusals.
func TestClient_create(t *testing.T) {
	cluster, branch := tidbcloud.Cluster{DisplayName: "portfolio-db", Region: "r"}, tidbcloud.Branch{DisplayName: "pr-1"}
	whole, wholeBranch := cluster, branch
	whole.Labels, whole.SpendingLimit = map[string]string{"a": "b"}, 1
	wholeBranch.Annotations, wholeBranch.ParentTimestamp = map[string]string{"a/b": "c"}, "2026-01-02T03:04:05Z"
	const clusterBody, branchBody = `{"displayName":"portfolio-db","region":{"name":"r"}}`, `{"displayName":"pr-1","rootPassword":"hunter2hunter2hunter2"}`
	for _, tt := range []struct {
		name             string
		want             any
		status           int
		body             string
		sent             string
		wantErr          string
		limit, ambiguous bool
	}{
		{"cluster", cluster, 200, `{"clusterId":"1","state":"CREATING"}`, clusterBody, "", false, false},
		{"whole cluster", whole, 200, `{"clusterId":"1"}`, `{"displayName":"portfolio-db","region":{"name":"r"},"labels":{"a":"b"},"spendingLimit":{"monthly":1}}`, "", false, false},
		{"quota", cluster, 400, `{"code":3,"message":"You have reached the maximum number of free clusters","details":[]}`, clusterBody, "or set a spending limit", true, false},
		{"quota with advice", cluster, 403, `{"code":3,"message":"the maximum number of free clusters is 5; set a spending limit"}`, clusterBody, "such as that of a closed pull request", true, false},
		{"too high a limit", cluster, 400, `{"code":3,"message":"the spending limit exceeds the maximum limit"}`, clusterBody, "exceeds the maximum limit (code 3, request id trace-1)", false, false},
		{"payment", cluster, 402, `{"code":402,"message":"no card"}`, clusterBody, "add a payment method", false, false},
		{"role", cluster, 403, `{"code":7,"message":"forbidden"}`, clusterBody, "the API key may not do this", false, false},
		{"server error", cluster, 500, `{"code":13,"message":"quota"}`, clusterBody, "500 Internal Server Error", false, true},
		{"no ID", cluster, 200, `{}`, clusterBody, "a cluster without an ID", false, true},

		{"branch", branch, 200, `{"branchId":"1","state":"CREATING"}`, branchBody, "", false, false},
		{"whole branch", wholeBranch, 200, `{"branchId":"1"}`,
			`{"displayName":"pr-1","annotations":{"a/b":"c"},"parentTimestamp":"2026-01-02T03:04:05Z","rootPassword":"hunter2hunter2hunter2"}`, "", false, false},
		{"branch, quota", branch, 400, `{"code":3,"message":"the maximum number of branches is 5"}`, branchBody, "delete a branch that nobody needs", true, false},
		{"branch, quota with another status", branch, 403, `{"code":7,"message":"branch quota exceeded"}`, branchBody, "five branches by default", true, false},
		{"branch, large", branch, 400, `{"code":3,"message":"the cluster stores more than 100 GiB"}`, branchBody, "use a cluster of its own", true, false},
		{"branch, Essential", branch, 400, `{"code":3,"message":"not available for Essential"}`, branchBody, "created since 2026-07-14", true, false},
		{"branch, another 400", branch, 400, `{"code":3,"message":"displayName is taken"}`, branchBody, "displayName is taken (code 3, request id trace-1)", false, false},
		{"branch, server error", branch, 500, `{"code":13,"message":"quota"}`, branchBody, "500 Internal Server Error", false, true},
		{"branch, no ID", branch, 200, `{}`, branchBody, "a branch without an ID", false, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			api := resttest.NewAPI(respond(tt.status, tt.body))
			c, id := clientOf(api), ""
			var err error
			switch want := tt.want.(type) {
			case tidbcloud.Cluster:
				var created *tidbcloud.Cluster
				if created, err = c.CreateCluster(t.Context(), want); err == nil {
					id = created.ID
				}
			case tidbcloud.Branch:
				var created *tidbcloud.Branch
				if created, err = c.CreateBranch(t.Context(), "10205", want, password); err == nil {
					id = created.ID
				}
			}
			testcheck.Error(t, err, tt.wantErr)
			if rest.Ambiguous(err) != tt.ambiguous || (tidbcloud.ClusterLimit(err) || tidbcloud.BranchLimit(err)) != tt.limit || err == nil && id != "1" {
				t.Errorf("got %q, ambiguous %v, limit %v: %v", id, rest.Ambiguous(err), !tt.limit, err)
			}
			var sent []map[string]any
			for _, r := range api.Requests() {
				sent = append(sent, decoded(t, r.Body))
			}
			if diff := cmp.Diff([]map[string]any{decoded(t, tt.sent)}, sent); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// The first answer to each write is lost. The same request again does no harm, and what would is sent
// once.
func TestClient_writes_repeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := emulate()
		want := createCluster(t, clientOf(cloud))
		branch, err := clientOf(cloud).CreateBranch(t.Context(), want.ID, tidbcloud.Branch{DisplayName: "pr-1"}, password)
		if err != nil {
			t.Fatal(err)
		}
		var writes []string
		c := clientOf(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodGet && r.Header.Get("Authorization") != "" {
				if writes = append(writes, r.Method); len(writes)%2 == 1 {
					cloud.ServeHTTP(httptest.NewRecorder(), r)
					panic(http.ErrAbortHandler)
				}
			}
			cloud.ServeHTTP(w, r)
		}))
		want.DisplayName, want.SpendingLimit = "new-name", 7
		want.Labels["team"] = "web"
		want.Networks = []tidbcloud.Network{{DisplayName: "home", StartIPAddress: "192.0.2.1", EndIPAddress: "192.0.2.9"}}
		root := branch.UserPrefix + ".root"
		err = errors.Join(
			c.RenameCluster(t.Context(), want.ID, want.DisplayName),
			c.SetClusterLabels(t.Context(), want.ID, want.Labels),
			c.SetSpendingLimit(t.Context(), want.ID, want.SpendingLimit),
			c.SetAuthorizedNetworks(t.Context(), want.ID, want.Networks),
			c.EnablePublicEndpoint(t.Context(), want.ID),
			c.SetBranchPassword(t.Context(), want.ID, branch.ID, root, "another horse"),
		)
		got, getErr := c.GetCluster(t.Context(), want.ID)
		if err := errors.Join(err, getErr); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" || !cloud.CheckPassword(branch.ID, root, "another horse") {
			t.Error(diff)
		}
		if err := c.DeleteBranch(t.Context(), want.ID, branch.ID); err != nil && !rest.StatusIs(err, 404) {
			t.Error(err)
		}
		if err := c.ResetBranch(t.Context(), want.ID, branch.ID); !rest.Ambiguous(err) {
			t.Errorf("a reset whose answer is lost: %v", err)
		}
		if diff := cmp.Diff(strings.Fields(strings.Repeat("PATCH ", 12)+"DELETE DELETE POST"), writes); diff != "" {
			t.Error(diff)
		}
	})
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
