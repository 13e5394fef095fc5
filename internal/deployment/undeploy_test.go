package deployment

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"portfolio-infra/internal/rest/resttest"
)

func TestUndeploy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, page)
		w.mustRun("undeploy", "GET ", "GET /deployments")
		for i := range 60 {
			if d := w.api.add("old"); i%3 == 0 {
				d.environment = "preview"
			}
		}
		w.api.canonical = "d30"
		if _, _, err := w.run("undeploy"); err != nil {
			t.Fatal(err)
		}
		if len(w.api.deployments) != 1 || w.api.deployments[0].id != "d30" {
			t.Errorf("%d deployments stay", len(w.api.deployments))
		}
		if !strings.Contains(w.progress.String(), "deleted 50 deployments\n") {
			t.Errorf("progress: %s", &w.progress)
		}
		w.mustRun("undeploy", "GET ", "GET /deployments")
	})
}

func TestUndeploy_refused(t *testing.T) {
	for _, tt := range []struct {
		name    string
		path    string
		status  int
		code    int
		wantErr string
	}{
		{"no project", "", 404, 8000007, ""},
		{"a deployment that became live", "/deployments/d1", 400, 8000034, ""},
		{"a deployment that is gone", "/deployments/d1", 404, 8000009, ""},
		{"another reason", "/deployments/d1", 400, 8000035, "deleting a deployment of the Pages project site: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, page)
				w.api.add("old")
				w.api.add("live")
				w.api.before = func(rw http.ResponseWriter, r *http.Request) bool {
					hit := strings.HasSuffix(r.URL.Path, "/pages/projects/site"+tt.path)
					if hit {
						refuse(rw, tt.status, tt.code, "refused")
					}
					return hit
				}
				_, _, err := w.run("undeploy")
				resttest.CheckError(t, err, tt.wantErr)
			})
		})
	}
}
