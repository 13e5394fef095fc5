package main

import (
	"fmt"
	"os"
	"testing"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optpreview"

	"portfolio-infra/internal/sandbox/standin"
)

// A stack wrote DATABASE_URL to Doppler by the SDK's Secret. Once that is taken out of
// the state, as the README says, an up writes it by the CLI and deletes nothing; else
// the Secret's end would be the end of what was just written.
func TestUpgrade_doppler(t *testing.T) {
	const commit = "1c75203"
	w := newUpgrade(t, commit)
	w.sb.config["portfolio:doppler"] = map[string]any{"project": "portfolio", "config": "prd"}
	port, stop, err := standin.Serve("doppler", "0.9.0", p.Provider{})
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	w.on(func(s auto.Stack) error {
		t.Setenv("PULUMI_DEBUG_PROVIDERS", fmt.Sprintf("%s,doppler:%d", os.Getenv("PULUMI_DEBUG_PROVIDERS"), port))
		r, err := s.Preview(t.Context(), optpreview.ProgressStreams(&w.printed))
		w.want("deletions before the state was changed", r.ChangeSummary["delete"], 1)
		return err
	})
	w.on(func(s auto.Stack) error { w.forgetDoppler(s); return nil })
	outputs := w.gentleUp()
	w.want("in Doppler", w.inDoppler("prd"), hashOf(w.workerURL(outputs)))
	w.quiet()
}
