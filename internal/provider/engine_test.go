package provider_test

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/blang/semver"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/infer"
	"github.com/pulumi/pulumi-go-provider/integration"
	presource "github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
	"github.com/pulumi/pulumi/sdk/v3/go/property"

	"portfolio-infra/internal/provider"
	"portfolio-infra/internal/rest/resttest"
	"portfolio-infra/internal/testcheck"
)

// engine does for one resource what the Pulumi engine does: check, preview, diff, create,
// update, replace, refresh, delete, and keeping the state.
type engine struct {
	integration.Server
	state
	t   *testing.T
	typ tokens.Type
	log *logs
	// cloud, where set, has the short IDs that errors and logs are shown with.
	cloud *cloud
	// timeout is the resource option customTimeouts, in seconds.
	timeout float64
}

// state is what outlives a run.
type state struct {
	id              string
	inputs, outputs property.Map
	failed          bool // the last create or update ended in an init error
}

// keys is the configuration of most tests.
var keys = map[string]property.Value{"publicKey": property.New(publicKey), "privateKey": property.New(privateKey).WithSecret(true)}

// newEngine serves the provider on the emulated cloud and configures it.
func newEngine(t *testing.T, c *cloud, typ tokens.Type) *engine {
	t.Helper()
	return configured(t, c, provider.Options{}, typ, keys)
}

func configured(t *testing.T, c *cloud, o provider.Options, typ tokens.Type, config map[string]property.Value) *engine {
	t.Helper()
	e := &engine{t: t, typ: typ, log: &logs{}, cloud: c}
	if c != nil {
		o.Transport, e.log.short = resttest.Transport(c), c.short
	}
	e.Server = serve(e.log.in(t.Context()), t, o)
	checked, err := e.CheckConfig(p.CheckRequest{Inputs: property.NewMap(config)})
	if err == nil && len(checked.Failures) == 0 {
		err = e.Configure(p.ConfigureRequest{Args: checked.Inputs})
	}
	if err != nil || len(checked.Failures) > 0 {
		t.Fatal(err, checked.Failures)
	}
	return e
}

func serve(ctx context.Context, t *testing.T, o provider.Options) integration.Server {
	t.Helper()
	if o.Dial == nil {
		o.Dial = func(context.Context, string, string) (net.Conn, error) {
			return nil, errors.New("no SQL server in this test")
		}
	}
	s, err := integration.NewServer(ctx, provider.Name, semver.MustParse(provider.Version), integration.WithProvider(provider.New(o)))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (e *engine) urn() presource.URN {
	return presource.NewURN("dev", "portfolio", "", e.typ, "db")
}

// check runs Check and fails the test unless it accepts the inputs.
func (e *engine) check(inputs property.Map) property.Map {
	e.t.Helper()
	resp, err := e.Check(p.CheckRequest{Urn: e.urn(), State: e.inputs, Inputs: inputs})
	if err != nil || len(resp.Failures) > 0 {
		e.t.Fatalf("check: %v %v", err, resp.Failures)
	}
	return resp.Inputs
}

// diff is the diff with inputs.
func (e *engine) diff(inputs property.Map) (p.DiffResponse, error) {
	e.t.Helper()
	diff, err := e.Diff(p.DiffRequest{ID: e.id, Urn: e.urn(), State: e.outputs, OldInputs: e.inputs, Inputs: e.check(inputs)})
	return diff, e.shown(err)
}

// preview is the preview of a create or an update with inputs.
func (e *engine) preview(inputs property.Map) (property.Map, error) {
	e.t.Helper()
	outputs, _, err := e.write(inputs, true)
	return outputs.outputs, e.shown(err)
}

// write creates or updates the resource, in a preview or not. It reports whether the state is
// to be kept.
func (e *engine) write(inputs property.Map, preview bool) (after state, keep bool, err error) {
	e.t.Helper()
	checked := e.check(inputs)
	var partial *p.InitializationFailed
	if e.id == "" {
		var resp p.CreateResponse
		resp, err = e.Create(p.CreateRequest{Urn: e.urn(), Properties: checked, Timeout: e.timeout, DryRun: preview})
		after, partial = state{resp.ID, checked, resp.Properties, err != nil}, resp.PartialState
	} else {
		var resp p.UpdateResponse
		resp, err = e.Update(p.UpdateRequest{ID: e.id, Urn: e.urn(), State: e.outputs, OldInputs: e.inputs, Inputs: checked, Timeout: e.timeout, DryRun: preview})
		after, partial = state{e.id, checked, resp.Properties, err != nil}, resp.PartialState
	}
	return after, err == nil || partial != nil, err
}

// up brings the resource to the inputs and returns how: create, same, update or replace.
func (e *engine) up(inputs property.Map) (op string, err error) {
	e.t.Helper()
	op = "create"
	if e.id != "" {
		diff, err := e.diff(inputs)
		switch {
		case err != nil:
			return "diff", err
		case replaces(diff):
			op = "replace"
			if !diff.DeleteBeforeReplace {
				e.t.Error("a replacement creates first")
			}
			if err := e.delete(); err != nil {
				return op, err
			}
		case diff.HasChanges || e.failed:
			op = "update"
		default:
			e.inputs = e.check(inputs)
			return "same", nil
		}
	}
	if _, err := e.preview(inputs); err != nil {
		return op, err
	}
	after, keep, err := e.write(inputs, false)
	if keep {
		e.state = after
	}
	return op, e.shown(err)
}

// steps brings the resource to the inputs, and fails the test unless each run is as wanted.
func (e *engine) steps(inputs property.Map, want ...string) {
	e.t.Helper()
	for _, want := range want {
		if op, err := e.up(inputs); op != want || err != nil {
			e.t.Fatalf("%s instead of %s: %v", op, want, err)
		}
	}
}

func (e *engine) delete() error {
	err := e.Delete(p.DeleteRequest{ID: e.id, Urn: e.urn(), Properties: e.outputs, OldInputs: e.inputs, Timeout: e.timeout})
	if err == nil {
		e.forget()
	}
	return e.shown(err)
}

// forget ends a run that died before it saved anything.
func (e *engine) forget() { e.state = state{} }

// refresh reports whether anything changed; a resource that is gone leaves the state.
func (e *engine) refresh() (bool, error) {
	resp, err := e.Read(p.ReadRequest{ID: e.id, Urn: e.urn(), Properties: e.outputs, Inputs: e.inputs})
	if err != nil {
		return false, e.shown(err)
	}
	changed := resp.ID != e.id || !resp.Properties.Equals(e.outputs) || !resp.Inputs.Equals(e.inputs)
	e.state = state{resp.ID, resp.Inputs, resp.Properties, false}
	return changed, nil
}

// unchanged fails the test if a refresh changes anything.
func (e *engine) unchanged() {
	e.t.Helper()
	if changed, err := e.refresh(); changed || err != nil {
		e.t.Errorf("a refresh changes the state to %v, %v: %v", e.inputs, e.outputs, err)
	}
}

// tryUp brings the resource to the inputs. Its error is checked as by [testcheck.Error].
func (e *engine) tryUp(inputs property.Map, parts ...string) {
	e.t.Helper()
	_, err := e.up(inputs)
	testcheck.Error(e.t, err, parts...)
}

func (e *engine) tryDiff(inputs property.Map, parts ...string) {
	e.t.Helper()
	_, err := e.diff(inputs)
	testcheck.Error(e.t, err, parts...)
}

// wantDiff fails the test unless the diff with inputs has these properties.
func (e *engine) wantDiff(inputs property.Map, want ...string) {
	e.t.Helper()
	diff, err := e.diff(inputs)
	testcheck.Error(e.t, err)
	same(e.t, "diff", properties(diff), want)
}

// deletes fails the test unless a delete succeeds, and refreshes unless a refresh does.
func (e *engine) deletes() {
	e.t.Helper()
	testcheck.Error(e.t, e.delete())
}

func (e *engine) refreshes() {
	e.t.Helper()
	_, err := e.refresh()
	testcheck.Error(e.t, err)
}

// shown is what the engine shows of an error.
func (e *engine) shown(err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	var failed infer.ResourceInitFailedError
	if errors.As(err, &failed) {
		text = strings.Join(failed.Reasons, "; ")
	}
	return errors.New(e.short(text))
}

// short is [cloud.short].
func (e *engine) short(text string) string {
	if e.cloud == nil {
		return text
	}
	return e.cloud.short(text)
}

// out is an output as text.
func (e *engine) out(key string) string {
	v := e.outputs.Get(key)
	switch {
	case v.IsString():
		return v.AsString()
	case v.IsNull():
		return ""
	}
	e.t.Fatalf("%s is %v", key, v)
	return ""
}

func replaces(d p.DiffResponse) bool {
	return slices.ContainsFunc(properties(d), func(change string) bool { return strings.HasSuffix(change, "&replace") })
}

// properties lists what a diff names, with its kind.
func properties(d p.DiffResponse) []string {
	var all []string
	for name, change := range d.DetailedDiff {
		all = append(all, name+" "+string(change.Kind))
	}
	slices.Sort(all)
	return all
}

// within fails the test unless at most d has passed since start.
func within(t *testing.T, start time.Time, d time.Duration) {
	t.Helper()
	if took := time.Since(start); took > d {
		t.Errorf("took %s, want at most %s", took, d)
	}
}

// same fails the test unless two values are equal.
func same[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}
