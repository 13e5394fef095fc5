package pages

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

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
		bubble(t, tt.name, func(t *testing.T) {
			w := newWorld(t, page)
			w.api.stages = tt.stages
			w.fails(tt.wantErr)
		})
	}
}

// A canceled command ends at once, and says that it may be run again.
func TestDeploy_canceled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, page)
		w.api.stages = []string{"queued active"}
		w.read()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		start := time.Now()
		_, _, err := w.send(ctx, withToken)
		testcheck.Error(t, err, "run it again")
		if !errors.Is(err, ctx.Err()) || time.Since(start) != 5*time.Second {
			t.Errorf("after %s: %v", time.Since(start), err)
		}
	})
}
