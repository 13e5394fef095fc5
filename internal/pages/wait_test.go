package pages

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"portfolio-infra/internal/cloudflare"
	"portfolio-infra/internal/rest/resttest"
	"portfolio-infra/internal/testcheck"
)

func TestDeploy_stages(t *testing.T) {
	for _, tt := range []struct {
		name    string
		stages  []string
		wantErr string
	}{
		{"at once", []string{"deploy success"}, ""},
		{"in turn", []string{"queued active", "initialize success", "deploy idle", "deploy active", "deploy success"}, ""},
		{"failed", []string{"queued active", "deploy failure"}, "the deployment d1 of the Pages project site: its stage deploy ended with failure; the last line of its log: Error: out of coffee"},
		{"canceled", []string{"queued canceled"}, "its stage queued ended with canceled"},
		{"never", []string{"queued active"}, "it is not live after 10m0s: its stage queued is active"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, page)
				w.api.stages = tt.stages
				_, _, err := w.run("deploy")
				testcheck.Error(t, err, tt.wantErr)
			})
		})
	}
}

// A canceled command ends at once, and says that it may be run again.
func TestDeploy_canceled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, page)
		w.api.stages = []string{"queued active"}
		s, err := Read(t.Context(), Folder{Site: w.request.Site})
		if err != nil {
			t.Fatal(err)
		}
		w.request.Digest = s.Digest
		in, _ := json.Marshal(w.request)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		start := time.Now()
		err = run(ctx, "deploy", bytes.NewReader(in), &bytes.Buffer{}, &w.progress, func(name string) string { return map[string]string{cloudflare.EnvToken: apiToken}[name] }, resttest.Transport(w.api))
		testcheck.Error(t, err, "run it again")
		if !errors.Is(err, ctx.Err()) || time.Since(start) != 5*time.Second {
			t.Errorf("after %s: %v", time.Since(start), err)
		}
	})
}
