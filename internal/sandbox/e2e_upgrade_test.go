package main

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/events"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optpreview"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optup"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
)

// upgrades are states that earlier versions of the program made, each with the
// emulated clouds of that time and a row in a table. They are named by their commits.
const upgrades = "testdata/upgrade"

// newUpgrade opens a copy of a kept sandbox.
func newUpgrade(t testing.TB, commit string) *world {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(upgrades, commit))); err != nil {
		t.Fatal(err)
	}
	return newWorldIn(t, dir)
}

// recorder collects what the engine is about to do to resources, but for those that
// stay.
type recorder struct {
	events chan events.EngineEvent
	done   chan struct{}
	steps  map[string]apitype.OpType // by URN
}

func newRecorder() *recorder {
	r := &recorder{make(chan events.EngineEvent), make(chan struct{}), map[string]apitype.OpType{}}
	go func() {
		defer close(r.done)
		for e := range r.events {
			if pre := e.ResourcePreEvent; pre != nil && pre.Metadata.Op != apitype.OpSame {
				r.steps[pre.Metadata.URN] = pre.Metadata.Op
			}
		}
	}()
	return r
}

// gentle fails the test if a step deletes or replaces anything.
func (w *world) gentle(operation string, r *recorder) {
	w.Helper()
	<-r.done
	for _, urn := range slices.Sorted(maps.Keys(r.steps)) {
		if op := r.steps[urn]; op != apitype.OpCreate && op != apitype.OpUpdate {
			w.Errorf("%s: %s of %s", operation, op, urn)
		}
	}
}

// gentleUp is an up that must neither delete nor replace anything.
func (w *world) gentleUp() (outputs auto.OutputMap) {
	w.Helper()
	w.on(func(s auto.Stack) error {
		r := newRecorder()
		result, err := s.Up(w.Context(), optup.EventStreams(r.events), optup.ProgressStreams(&w.printed), optup.ErrorProgressStreams(&w.printed))
		w.gentle("up", r)
		outputs = result.Outputs
		return err
	})
	return outputs
}

// An up of this program on a state of an earlier one keeps the rows and the
// connection string, and replaces and deletes nothing.
func TestUpgrade(t *testing.T) {
	kept, err := os.ReadDir(upgrades)
	if err != nil {
		t.Fatal(err)
	}
	for _, commit := range kept {
		t.Run(commit.Name(), func(t *testing.T) {
			w := newUpgrade(t, commit.Name())
			var before auto.OutputMap
			w.on(func(s auto.Stack) (err error) {
				w.forgetDoppler(s)
				before, err = s.Outputs(t.Context())
				return err
			})
			w.on(func(s auto.Stack) error {
				r := newRecorder()
				_, err := s.Preview(t.Context(), optpreview.EventStreams(r.events), optpreview.ProgressStreams(&w.printed))
				w.gentle("preview", r)
				return err
			})
			after := w.gentleUp()
			for name, output := range before {
				if name != "binding" { // it tells what the last run did
					w.want("output "+name, after[name].Value, output.Value)
				}
			}
			w.want("rows", w.query(w.workerURL(after), "SELECT name FROM guests"), "name\nAda\n")
			w.quiet()
		})
	}
}

// forgetDoppler takes the Secret of Doppler's provider out of a state that has one,
// as the README tells users to.
func (w *world) forgetDoppler(s auto.Stack) {
	w.Helper()
	exported, err := s.Export(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	var deployment apitype.DeploymentV3
	if err := json.Unmarshal(exported.Deployment, &deployment); err != nil {
		w.Fatal(err)
	}
	for _, r := range slices.Backward(deployment.Resources) { // the secret before its provider
		if !strings.Contains(string(r.Type), "doppler") {
			continue
		}
		_, stderr, _, err := s.Workspace().PulumiCommand().Run(w.Context(), s.Workspace().WorkDir(), nil, nil, nil, nil,
			"state", "delete", string(r.URN), "--yes", "--stack", stackName)
		if err != nil {
			w.Fatalf("deleting %s from the state: %v\n%s", r.URN, err, stderr)
		}
	}
}
