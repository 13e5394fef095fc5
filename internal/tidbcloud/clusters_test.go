package tidbcloud_test

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"

	"portfolio-infra/internal/rest"
	"portfolio-infra/internal/tidbcloud"
)

const whole = `{
  "name": "clusters/10205", "clusterId": "10205", "displayName": "portfolio-db",
  "region": {"name": "regions/aws-ap-northeast-1", "regionId": "ap-northeast-1", "cloudProvider": "aws"},
  "spendingLimit": {"monthly": 1000}, "version": "v7.5.2", "createdBy": "a@example.com", "userPrefix": "3hXbX9vNzH5r8Yk",
  "endpoints": {"public": {"host": "gateway01.example.com", "port": 4000, "disabled": false,
    "authorizedNetworks": [{"displayName": "home", "startIpAddress": "192.0.2.1", "endIpAddress": "192.0.2.9"}]}},
  "state": "ACTIVE", "labels": {"tidb.cloud/project": "1", "pulumi.com/owner": "portfolio.dev"},
  "createTime": "2025-01-02T03:04:05Z", "updateTime": "2025-01-02T03:05:05Z", "unheardOf": [1]
}`

func TestClient_GetCluster(t *testing.T) {
	for _, tt := range []struct {
		name, answer string
		want         tidbcloud.Cluster
		wantErr      string
	}{
		{"whole", whole, tidbcloud.Cluster{
			ID: "10205", DisplayName: "portfolio-db", Region: "regions/aws-ap-northeast-1", State: "ACTIVE",
			Labels:        map[string]string{"tidb.cloud/project": "1", "pulumi.com/owner": "portfolio.dev"},
			SpendingLimit: 1000, Networks: []tidbcloud.Network{{DisplayName: "home", StartIPAddress: "192.0.2.1", EndIPAddress: "192.0.2.9"}},
			Host: "gateway01.example.com", Port: 4000, UserPrefix: "3hXbX9vNzH5r8Yk", Version: "v7.5.2", CreateTime: "2025-01-02T03:04:05Z",
		}, ""},
		{"id alone", `{"clusterId":"10205"}`, tidbcloud.Cluster{ID: "10205"}, ""},
		{"id by name", `{"name":"clusters/10205"}`, tidbcloud.Cluster{ID: "10205"}, ""},
		{"nulls", `{"clusterId":"10205","region":null,"endpoints":null,"labels":null,"spendingLimit":null}`, tidbcloud.Cluster{ID: "10205"}, ""},
		{"endpoints without public", `{"clusterId":"10205","endpoints":{}}`, tidbcloud.Cluster{ID: "10205"}, ""},
		{"no id", `{"displayName":"portfolio-db"}`, tidbcloud.Cluster{}, "a cluster without an ID"},
		{"null", `null`, tidbcloud.Cluster{}, "the response is null"},
		{"list", `[]`, tidbcloud.Cluster{}, "the expected shape"},
		{"another cluster", `{"clusterId":"7"}`, tidbcloud.Cluster{}, "the API returned cluster 7"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := &fake{routes: map[string]http.HandlerFunc{"GET /v1beta1/clusters/10205": answer(200, tt.answer)}}
			got, err := f.client().GetCluster(t.Context(), "10205")
			if tt.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), tt.wantErr) || !strings.HasPrefix(err.Error(), "reading cluster 10205: ") {
					t.Error(err)
				}
				return
			}
			if err != nil || !reflect.DeepEqual(*got, tt.want) {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}

func TestClient_ListClusters(t *testing.T) {
	page := func(token string, ids ...string) string {
		var clusters []string
		for _, id := range ids {
			clusters = append(clusters, fmt.Sprintf(`{"clusterId":%q}`, id))
		}
		return fmt.Sprintf(`{"clusters":[%s],"nextPageToken":%q}`, strings.Join(clusters, ","), token)
	}
	endless := make([]string, 200)
	for i := range endless {
		endless[i] = page(fmt.Sprintf("p%d", i))
	}
	for _, tt := range []struct {
		name     string
		answers  []string
		want     []string
		requests []string
		wantErr  string
	}{
		{"none", []string{`{}`}, nil, []string{"GET /v1beta1/clusters?pageSize=100"}, ""},
		{"one page", []string{page("", "1", "2")}, []string{"1", "2"}, []string{"GET /v1beta1/clusters?pageSize=100"}, ""},
		{"three pages", []string{page("a/b", "1"), page("c", "2"), page("", "3")}, []string{"1", "2", "3"},
			[]string{"GET /v1beta1/clusters?pageSize=100", "GET /v1beta1/clusters?pageSize=100&pageToken=a%2Fb", "GET /v1beta1/clusters?pageSize=100&pageToken=c"}, ""},
		{"a token that repeats", []string{page("a", "1"), page("a", "2")}, nil, nil, "repeats a page token"},
		{"tokens without end", endless, nil, nil, "more than 100 pages"},
		{"a cluster without an ID", []string{`{"clusters":[{"clusterId":"1"},{}]}`}, nil, nil, "a cluster without an ID"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := &fake{routes: map[string]http.HandlerFunc{"GET /v1beta1/clusters": inTurn(tt.answers...)}}
			clusters, err := f.client().ListClusters(t.Context())
			if tt.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), tt.wantErr) || !strings.HasPrefix(err.Error(), "listing clusters: ") {
					t.Error(err)
				}
				return
			}
			var got []string
			for _, c := range clusters {
				got = append(got, c.ID)
			}
			if err != nil || !reflect.DeepEqual(got, tt.want) || !reflect.DeepEqual(f.requests(), tt.requests) {
				t.Errorf("got %v by %v, %v", got, f.requests(), err)
			}
		})
	}
}

func TestClient_CreateCluster(t *testing.T) {
	limit := 0
	for _, tt := range []struct {
		name      string
		new       tidbcloud.CreateClusterRequest
		answer    http.HandlerFunc
		wantBody  map[string]any
		wantErr   string
		ambiguous bool
	}{
		{"least", tidbcloud.CreateClusterRequest{DisplayName: "portfolio-db", Region: "regions/aws-us-east-1"}, answer(200, `{"clusterId":"1","state":"CREATING"}`),
			map[string]any{"displayName": "portfolio-db", "region": map[string]any{"name": "regions/aws-us-east-1"}}, "", false},
		{"most", tidbcloud.CreateClusterRequest{DisplayName: "portfolio-db", Region: "r", Labels: map[string]string{"a": "b"}, SpendingLimit: &limit}, answer(200, `{"clusterId":"1"}`),
			map[string]any{"displayName": "portfolio-db", "region": map[string]any{"name": "r"}, "labels": map[string]any{"a": "b"}, "spendingLimit": map[string]any{"monthly": 0.0}}, "", false},
		{"quota", tidbcloud.CreateClusterRequest{}, answer(400, `{"code":3,"message":"You have reached the maximum number of free clusters","details":[]}`), nil, "delete one, or set a spending limit", false},
		{"another 400", tidbcloud.CreateClusterRequest{}, answer(400, `{"code":3,"message":"spending limit is invalid","details":[]}`), nil, "spending limit is invalid (code 3, request id trace-1)", false},
		{"payment", tidbcloud.CreateClusterRequest{}, answer(402, `{"code":402,"message":"no card"}`), nil, "add a payment method", false},
		{"role", tidbcloud.CreateClusterRequest{}, answer(403, `{"code":7,"message":"forbidden"}`), nil, "the API key may not do this", false},
		{"trouble", tidbcloud.CreateClusterRequest{}, answer(500, `{"code":13,"message":"oops"}`), nil, "it may have taken effect", true},
		{"no id", tidbcloud.CreateClusterRequest{}, answer(200, `{}`), nil, "a cluster without an ID", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := &fake{routes: map[string]http.HandlerFunc{"POST /v1beta1/clusters": tt.answer}}
			got, err := f.client().CreateCluster(t.Context(), tt.new)
			if rest.Ambiguous(err) != tt.ambiguous {
				t.Errorf("Ambiguous is %v", !tt.ambiguous)
			}
			if len(f.calls) != 1 {
				t.Errorf("%d calls", len(f.calls))
			}
			if tt.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), tt.wantErr) {
					t.Error(err)
				}
				return
			}
			if err != nil || got.ID != "1" || !reflect.DeepEqual(f.calls[0].body, tt.wantBody) {
				t.Errorf("sent %v: %v", f.calls[0].body, err)
			}
		})
	}
}

func TestClient_updateCluster(t *testing.T) {
	for _, tt := range []struct {
		name    string
		call    func(context.Context, *tidbcloud.Client) error
		mask    string
		cluster map[string]any
	}{
		{"name", func(ctx context.Context, c *tidbcloud.Client) error { return c.RenameCluster(ctx, "1", "new-name") }, "displayName", map[string]any{"displayName": "new-name"}},
		{"labels", func(ctx context.Context, c *tidbcloud.Client) error {
			return c.SetClusterLabels(ctx, "1", map[string]string{"a": "b"})
		}, "labels", map[string]any{"labels": map[string]any{"a": "b"}}},
		{"limit", func(ctx context.Context, c *tidbcloud.Client) error { return c.SetSpendingLimit(ctx, "1", 7) }, "spendingLimit.monthly", map[string]any{"spendingLimit": map[string]any{"monthly": 7.0}}},
		{"networks", func(ctx context.Context, c *tidbcloud.Client) error {
			return c.SetAuthorizedNetworks(ctx, "1", []tidbcloud.Network{{DisplayName: "home", StartIPAddress: "192.0.2.1", EndIPAddress: "192.0.2.9"}})
		}, "endpoints.public.authorizedNetworks", map[string]any{"endpoints": map[string]any{"public": map[string]any{"authorizedNetworks": []any{
			map[string]any{"displayName": "home", "startIpAddress": "192.0.2.1", "endIpAddress": "192.0.2.9"}}}}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				// The first answer is lost; the same request again does no harm.
				f := &fake{routes: map[string]http.HandlerFunc{"PATCH /v1beta1/clusters/1": inTurn(`500 {}`, `{}`)}}
				if err := tt.call(t.Context(), f.client()); err != nil {
					t.Fatal(err)
				}
				want := map[string]any{"updateMask": tt.mask, "cluster": tt.cluster}
				for _, c := range f.calls {
					if !reflect.DeepEqual(c.body, want) {
						t.Errorf("sent %v", c.body)
					}
				}
				if len(f.calls) != 2 {
					t.Errorf("%d calls", len(f.calls))
				}
			})
		})
	}
}

func TestClient_DeleteCluster(t *testing.T) {
	for _, tt := range []struct {
		name, id string
		answer   http.HandlerFunc
		status   int
		wantErr  string
	}{
		{"there", "1", answer(200, `{"clusterId":"1","state":"DELETING"}`), 0, ""},
		{"missing", "1", answer(404, `{"code":5,"message":"cluster not found"}`), 404, "deleting cluster 1: "},
		{"no id", "", nil, 0, "names nothing"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := &fake{routes: map[string]http.HandlerFunc{"DELETE /v1beta1/clusters/1": tt.answer}}
			err := f.client().DeleteCluster(t.Context(), tt.id)
			if (err == nil) != (tt.wantErr == "") || err != nil && !strings.Contains(err.Error(), tt.wantErr) {
				t.Error(err)
			}
			if tt.status != 0 && !rest.StatusIs(err, tt.status) {
				t.Error(err)
			}
		})
	}
}
