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

const whole = `{
  "name": "clusters/10205", "clusterId": "10205", "displayName": "portfolio-db",
  "region": {"name": "regions/aws-ap-northeast-1", "regionId": "ap-northeast-1", "cloudProvider": "aws"},
  "spendingLimit": {"monthly": 1000}, "version": "v7.5.2", "createdBy": "a@example.com", "userPrefix": "3hXbX9vNzH5r8Yk",
  "endpoints": {"public": {"host": "gateway01.example.com", "port": 4000, "disabled": false,
    "authorizedNetworks": [{"displayName": "home", "startIpAddress": "192.0.2.1", "endIpAddress": "192.0.2.9"}]}},
  "state": "ACTIVE", "labels": {"tidb.cloud/project": "1", "pulumi.com/owner": "portfolio.dev"},
  "clusterPlan": "STARTER", "servicePlan": "Starter",
  "createTime": "2025-01-02T03:04:05Z", "updateTime": "2025-01-02T03:05:05Z", "unheardOf": [1]
}`

func TestClient_GetCluster(t *testing.T) {
	for _, tt := range []struct {
		name, body string
		want       *tidbcloud.Cluster
		wantErr    string
	}{
		{"whole", whole, &tidbcloud.Cluster{
			ID: "10205", DisplayName: "portfolio-db", Region: "regions/aws-ap-northeast-1", State: "ACTIVE",
			Labels:        map[string]string{"tidb.cloud/project": "1", "pulumi.com/owner": "portfolio.dev"},
			SpendingLimit: 1000, Networks: []tidbcloud.Network{{DisplayName: "home", StartIPAddress: "192.0.2.1", EndIPAddress: "192.0.2.9"}},
			Host: "gateway01.example.com", Port: 4000, UserPrefix: "3hXbX9vNzH5r8Yk", Plan: "Starter", Version: "v7.5.2", CreateTime: "2025-01-02T03:04:05Z",
		}, ""},
		{"endpoint switched off", `{"clusterId":"10205","endpoints":{"public":{"disabled":true}}}`, &tidbcloud.Cluster{ID: "10205", EndpointOff: true}, ""},
		{"plan in capitals alone", `{"clusterId":"10205","clusterPlan":"ESSENTIAL"}`, &tidbcloud.Cluster{ID: "10205", Plan: "ESSENTIAL"}, ""},
		{"ID alone", `{"clusterId":"10205"}`, &tidbcloud.Cluster{ID: "10205"}, ""},
		{"ID by name", `{"name":"clusters/10205"}`, &tidbcloud.Cluster{ID: "10205"}, ""},
		{"nulls", `{"clusterId":"10205","region":null,"endpoints":null,"labels":null,"spendingLimit":null}`, &tidbcloud.Cluster{ID: "10205"}, ""},
		{"endpoints without public", `{"clusterId":"10205","endpoints":{}}`, &tidbcloud.Cluster{ID: "10205"}, ""},
		{"no ID", `{"displayName":"portfolio-db"}`, nil, "a cluster without an ID"},
		{"null", `null`, nil, "the response is null"},
		{"list", `[]`, nil, "the expected shape"},
		{"another cluster", `{"clusterId":"7"}`, nil, "the API returned cluster 7"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := clientOf(respond(200, tt.body)).GetCluster(t.Context(), "10205")
			testcheck.Error(t, err, tt.wantErr)
			if err != nil && !strings.HasPrefix(err.Error(), "reading cluster 10205: ") {
				t.Error(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
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

func TestClient_CreateCluster(t *testing.T) {
	least := tidbcloud.Cluster{DisplayName: "portfolio-db", Region: "r"}
	most := least
	most.Labels, most.SpendingLimit = map[string]string{"a": "b"}, 1
	const leastBody = `{"displayName":"portfolio-db","region":{"name":"r"}}`
	for _, tt := range []struct {
		name      string
		req       tidbcloud.Cluster
		status    int
		body      string
		sent      string
		wantErr   string
		ambiguous bool
	}{
		{"least", least, 200, `{"clusterId":"1","state":"CREATING"}`, leastBody, "", false},
		{"most", most, 200, `{"clusterId":"1"}`, `{"displayName":"portfolio-db","region":{"name":"r"},"labels":{"a":"b"},"spendingLimit":{"monthly":1}}`, "", false},
		{"quota", least, 400, `{"code":3,"message":"You have reached the maximum number of free clusters","details":[]}`, leastBody, "or set a spending limit", false},
		{"quota with advice", least, 403, `{"code":3,"message":"the maximum number of free clusters is 5; set a spending limit"}`, leastBody, "such as that of a closed pull request", false},
		{"too high a limit", least, 400, `{"code":3,"message":"the spending limit exceeds the maximum limit"}`, leastBody, "exceeds the maximum limit (code 3, request id trace-1)", false},
		{"another 400", least, 400, `{"code":3,"message":"spending limit is invalid","details":[]}`, leastBody, "spending limit is invalid (code 3, request id trace-1)", false},
		{"payment", least, 402, `{"code":402,"message":"no card"}`, leastBody, "add a payment method", false},
		{"role", least, 403, `{"code":7,"message":"forbidden"}`, leastBody, "the API key may not do this", false},
		{"server error", least, 500, `{"code":13,"message":"oops"}`, leastBody, "it may have taken effect", true},
		{"no ID", least, 200, `{}`, leastBody, "a cluster without an ID", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			api := resttest.NewAPI(respond(tt.status, tt.body))
			got, err := clientOf(api).CreateCluster(t.Context(), tt.req)
			testcheck.Error(t, err, tt.wantErr)
			if rest.Ambiguous(err) != tt.ambiguous || err == nil && got.ID != "1" {
				t.Errorf("got %+v, ambiguous %v: %v", got, rest.Ambiguous(err), err)
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

// The first response to each update is lost. The same request again does no harm.
func TestClient_updateCluster(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := emulate()
		updates := 0
		c := clientOf(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPatch && r.Header.Get("Authorization") != "" {
				if updates++; updates%2 == 1 {
					cloud.ServeHTTP(httptest.NewRecorder(), r)
					panic(http.ErrAbortHandler)
				}
			}
			cloud.ServeHTTP(w, r)
		}))
		want := createCluster(t, c)
		want.DisplayName, want.SpendingLimit = "new-name", 7
		want.Labels["team"] = "web"
		want.Networks = []tidbcloud.Network{{DisplayName: "home", StartIPAddress: "192.0.2.1", EndIPAddress: "192.0.2.9"}}
		err := errors.Join(
			c.RenameCluster(t.Context(), want.ID, want.DisplayName),
			c.SetClusterLabels(t.Context(), want.ID, want.Labels),
			c.SetSpendingLimit(t.Context(), want.ID, want.SpendingLimit),
			c.SetAuthorizedNetworks(t.Context(), want.ID, want.Networks),
			c.EnablePublicEndpoint(t.Context(), want.ID),
		)
		got, getErr := c.GetCluster(t.Context(), want.ID)
		if err := errors.Join(err, getErr); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if updates != 10 {
			t.Errorf("%d updates, want each twice", updates)
		}
	})
}
