package tidbcloud_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

func TestClient_ListRegions(t *testing.T) {
	for _, tt := range []struct {
		name    string
		answer  http.HandlerFunc
		want    []string
		wantErr string
	}{
		{"two", answer(200, `{"regions":[{"name":"regions/aws-us-east-1","displayName":"N. Virginia"},{"name":"regions/alicloud-ap-southeast-1"}]}`),
			[]string{"regions/aws-us-east-1", "regions/alicloud-ap-southeast-1"}, ""},
		{"none", answer(200, `{}`), nil, ""},
		{"refused", answer(403, `{"code":403,"message":"no"}`), nil, "listing regions: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := &fake{routes: map[string]http.HandlerFunc{"GET /v1beta1/regions": tt.answer}}
			got, err := f.client().ListRegions(t.Context())
			if (err == nil) != (tt.wantErr == "") || err != nil && !strings.HasPrefix(err.Error(), tt.wantErr) {
				t.Fatal(err)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %q", got)
			}
		})
	}
}
