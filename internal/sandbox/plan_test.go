package main

import (
	"path/filepath"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optpreview"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optup"
)

// planned runs `pulumi preview --save-plan`, which must say each of texts, and `pulumi up
// --plan`, which must do what was planned.
func (f *fixture) planned(texts ...string) result {
	f.Helper()
	file := filepath.Join(f.TempDir(), "plan.json")
	err := f.on(func(s auto.Stack) error {
		_, err := s.Preview(f.Context(), optpreview.Plan(file), optpreview.ProgressStreams(&f.printed), optpreview.ErrorProgressStreams(&f.printed))
		return err
	})
	if err != nil {
		f.Fatalf("preview --save-plan: %v\n%s", err, f.printed.String())
	}
	f.says("preview --save-plan", texts...)
	return f.run("up", optup.Plan(file))
}

// A plan holds for what changes the Worker, and its preview says why the Worker is uploaded.
func TestPlan_worker(t *testing.T) {
	f := newFixture(t)
	f.set(map[string]any{"site": "internal/example/site"})
	f.planned()
	for _, test := range []struct {
		config map[string]any
		says   string
	}{
		{map[string]any{"vars": map[string]any{"MODE": "live"}}, "to set: MODE"},
		{map[string]any{"workerScript": "internal/stack/testdata/worker.js"}, "its script is another one"},
		{map[string]any{"rotation": "1"}, "to set: PULUMI_ROTATION"},
	} {
		f.set(test.config)
		f.planned(`the Worker "portfolio-api" is uploaded`, test.says)
		f.noChanges()
	}
	f.want("without a change", f.planned().changes, map[string]int{})
	f.byHand("DELETE", cloudflareAPI, f.scripts()+"/secrets/DATABASE_URL", "")
	f.planned("to set: DATABASE_URL")
	f.serves()
	f.noChanges()
}
