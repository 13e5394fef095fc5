package tidbcloud_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

func TestClient_Organizations(t *testing.T) {
	for _, tt := range []struct {
		name    string
		answer  http.HandlerFunc
		want    []string
		wantErr string
	}{
		{"two projects of one", answer(200, `{"projects":[{"id":"1","org_id":"7"},{"id":"2","org_id":"7"}]}`), []string{"7"}, ""},
		{"two", answer(200, `{"projects":[{"id":"1","org_id":"8"},{"id":"2","org_id":"7"}]}`), []string{"7", "8"}, ""},
		{"not named", answer(200, `{"projects":[{"id":"1"}]}`), nil, ""},
		{"none", answer(200, `{}`), nil, ""},
		{"refused", answer(403, `{"code":"403","error":"no","status":403}`), nil, "listing projects: "},
		{"no such path", answer(404, `{}`), nil, "they must end in /v1beta1, below which TiDB Cloud has /projects"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := &fake{routes: map[string]http.HandlerFunc{"GET /v1beta1/projects": tt.answer}}
			got, err := f.client().Organizations(t.Context())
			if (err == nil) != (tt.wantErr == "") || err != nil && !strings.Contains(err.Error(), tt.wantErr) {
				t.Fatal(err)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %q", got)
			}
		})
	}
}
