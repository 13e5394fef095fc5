package tidbcloud_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"portfolio-infra/internal/testcheck"
	"portfolio-infra/internal/tidbcloud"
)

func TestClient_lists(t *testing.T) {
	organizations, regions := (*tidbcloud.Client).Organizations, (*tidbcloud.Client).ListRegions
	for _, tt := range []struct {
		name    string
		list    func(*tidbcloud.Client, context.Context) ([]string, error)
		status  int
		body    string
		want    []string
		wantErr string
	}{
		{"organization of two projects", organizations, 200, `{"projects":[{"id":"1","org_id":"7"},{"id":"2","org_id":"7"}]}`, []string{"7"}, ""},
		{"two organizations", organizations, 200, `{"projects":[{"id":"1","org_id":"8"},{"id":"2","org_id":"7"}]}`, []string{"7", "8"}, ""},
		{"organization not named", organizations, 200, `{"projects":[{"id":"1"}]}`, nil, ""},
		{"no organizations", organizations, 200, `{}`, nil, ""},
		{"organizations refused", organizations, 403, `{"code":"403","error":"no","status":403}`, nil, "listing projects: "},
		{"no such path", organizations, 404, `{}`, nil, "they must end in /v1beta1, below which TiDB Cloud has /projects"},
		{"two regions", regions, 200, `{"regions":[{"name":"regions/aws-us-east-1","displayName":"N. Virginia"},{"name":"regions/alicloud-ap-southeast-1"}]}`,
			[]string{"regions/aws-us-east-1", "regions/alicloud-ap-southeast-1"}, ""},
		{"no regions", regions, 200, `{}`, []string{}, ""},
		{"regions refused", regions, 403, `{"code":403,"message":"no"}`, nil, "listing regions: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.list(clientOf(respond(tt.status, tt.body)), t.Context())
			testcheck.Error(t, err, tt.wantErr)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
