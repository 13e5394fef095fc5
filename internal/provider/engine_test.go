package provider_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
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
)

// engine does for one resource what the Pulumi engine does: check, preview, diff,
// create, update, replace, refresh, delete, and keeping the state.
type engine struct {
	integration.Server
	t   *testing.T
	typ tokens.Type
	log *logs
	// cloud, where set, has the short IDs that errors and logs are shown with.
	cloud *cloud

	// timeout is the resource option customTimeouts, in seconds.
	timeout float64

	id      string
	inputs  property.Map
	outputs property.Map
	failed  bool // the last create or update ended in an init error
}

// newEngine serves the provider on the emulated cloud and configures it.
func newEngine(t *testing.T, c *cloud, typ tokens.Type) *engine {
	t.Helper()
	e := configured(t, provider.Options{Transport: resttest.Transport(c)}, typ, keys)
	e.cloud, e.log.short = c, c.short
	return e
}

// keys is the configuration of most tests.
var keys = map[string]property.Value{"publicKey": property.New(publicKey), "privateKey": property.New(privateKey).WithSecret(true)}

func configured(t *testing.T, o provider.Options, typ tokens.Type, config map[string]property.Value) *engine {
	t.Helper()
	e := &engine{Server: serve(t, o), t: t, typ: typ, log: capture(t)}
	checked, err := e.CheckConfig(p.CheckRequest{Inputs: property.NewMap(config)})
	if err != nil || len(checked.Failures) > 0 {
		t.Fatal(err, checked.Failures)
	}
	if err := e.Configure(p.ConfigureRequest{Args: checked.Inputs}); err != nil {
		t.Fatal(err)
	}
	return e
}

func serve(t *testing.T, o provider.Options) integration.Server {
	t.Helper()
	if o.Dial == nil {
		o.Dial = func(context.Context, string, string) (net.Conn, error) {
			return nil, errors.New("no SQL server in this test")
		}
	}
	s, err := integration.NewServer(t.Context(), provider.Name, semver.MustParse(provider.Version), integration.WithProvider(provider.New(o)))
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

// up brings the resource to the inputs and returns how: create, same, update or replace.
func (e *engine) up(inputs property.Map) (string, error) {
	e.t.Helper()
	if e.id == "" {
		return "create", e.create(inputs)
	}
	diff, err := e.diff(inputs)
	switch {
	case err != nil:
		return "diff", err
	case replaces(diff):
		if !diff.DeleteBeforeReplace {
			e.t.Error("a replacement creates first")
		}
		if err := e.delete(); err != nil {
			return "replace", err
		}
		return "replace", e.create(inputs)
	case diff.HasChanges || e.failed:
		return "update", e.update(inputs)
	}
	e.inputs = e.check(inputs)
	return "same", nil
}

func replaces(d p.DiffResponse) bool {
	for _, change := range d.DetailedDiff {
		if strings.HasSuffix(string(change.Kind), "&replace") {
			return true
		}
	}
	return false
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

func (e *engine) create(inputs property.Map) error {
	e.t.Helper()
	if _, err := e.preview(inputs); err != nil {
		return err
	}
	checked := e.check(inputs)
	resp, err := e.Create(p.CreateRequest{Urn: e.urn(), Properties: checked, Timeout: e.timeout})
	if err == nil || resp.PartialState != nil {
		e.id, e.inputs, e.outputs, e.failed = resp.ID, checked, resp.Properties, err != nil
	}
	return e.shown(err)
}

func (e *engine) update(inputs property.Map) error {
	e.t.Helper()
	if _, err := e.preview(inputs); err != nil {
		return err
	}
	checked := e.check(inputs)
	resp, err := e.Update(p.UpdateRequest{ID: e.id, Urn: e.urn(), State: e.outputs, OldInputs: e.inputs, Inputs: checked, Timeout: e.timeout})
	if err == nil || resp.PartialState != nil {
		e.inputs, e.outputs, e.failed = checked, resp.Properties, err != nil
	}
	return e.shown(err)
}

func (e *engine) delete() error {
	err := e.Delete(p.DeleteRequest{ID: e.id, Urn: e.urn(), Properties: e.outputs, OldInputs: e.inputs, Timeout: e.timeout})
	if err == nil {
		e.forget()
	}
	return e.shown(err)
}

// refresh reports whether anything changed; a resource that is gone leaves the state.
func (e *engine) refresh() (bool, error) {
	resp, err := e.Read(p.ReadRequest{ID: e.id, Urn: e.urn(), Properties: e.outputs, Inputs: e.inputs})
	if err != nil {
		return false, e.shown(err)
	}
	changed := resp.ID != e.id || !resp.Properties.Equals(e.outputs) || !resp.Inputs.Equals(e.inputs)
	e.id, e.inputs, e.outputs, e.failed = resp.ID, resp.Inputs, resp.Properties, false
	return changed, nil
}

// unchanged fails the test if a refresh changes anything.
func (e *engine) unchanged() {
	e.t.Helper()
	if changed, err := e.refresh(); changed || err != nil {
		e.t.Errorf("a refresh changes the state to %v, %v: %v", e.inputs, e.outputs, err)
	}
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

// diff is the diff with inputs.
func (e *engine) diff(inputs property.Map) (p.DiffResponse, error) {
	e.t.Helper()
	diff, err := e.Diff(p.DiffRequest{ID: e.id, Urn: e.urn(), State: e.outputs, OldInputs: e.inputs, Inputs: e.check(inputs)})
	return diff, e.shown(err)
}

// preview is the preview of a create or an update with inputs.
func (e *engine) preview(inputs property.Map) (property.Map, error) {
	e.t.Helper()
	if e.id == "" {
		resp, err := e.Create(p.CreateRequest{Urn: e.urn(), Properties: e.check(inputs), DryRun: true})
		return resp.Properties, e.shown(err)
	}
	resp, err := e.Update(p.UpdateRequest{ID: e.id, Urn: e.urn(), State: e.outputs, OldInputs: e.inputs, Inputs: e.check(inputs), DryRun: true})
	return resp.Properties, e.shown(err)
}

// steps brings the resource to the inputs and fails the test unless each run is what is
// wanted.
func (e *engine) steps(inputs property.Map, want ...string) {
	e.t.Helper()
	for _, want := range want {
		if op, err := e.up(inputs); op != want || err != nil {
			e.t.Fatalf("%s instead of %s: %v", op, want, err)
		}
	}
}

// forget is a run that died before it saved anything.
func (e *engine) forget() {
	e.id, e.inputs, e.outputs, e.failed = "", property.Map{}, property.Map{}, false
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

// logs are the lines that the provider showed to the user.
type logs struct {
	short func(string) string // where set, see [cloud.short]

	mu    sync.Mutex
	lines []string // "warn …", "status …", "info …"
}

func capture(t *testing.T) *logs {
	l := &logs{}
	old := slog.Default()
	slog.SetDefault(slog.New(handler{l, ""}))
	t.Cleanup(func() { slog.SetDefault(old) })
	return l
}

// has reports whether a line contains all parts.
func (l *logs) has(parts ...string) bool {
	return slices.ContainsFunc(strings.Split(l.all(), "\n"), func(line string) bool {
		return !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(line, part) })
	})
}

// want fails the test unless the last warning contains a text; "" wants no lines at all.
func (l *logs) want(t *testing.T, warning string) {
	t.Helper()
	if warning == "" && l.all() != "" || warning != "" && !l.has("warn", warning) {
		t.Errorf("shown, want %q:\n%s", warning, l.all())
	}
}

func (l *logs) clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = nil
}

func (l *logs) all() string {
	l.mu.Lock()
	all := strings.Join(l.lines, "\n")
	l.mu.Unlock()
	if l.short != nil {
		all = l.short(all)
	}
	return all
}

// handler is the [slog.Handler] that adds to logs.
type handler struct {
	logs *logs
	kind string
}

func (h handler) Enabled(context.Context, slog.Level) bool { return true }

func (h handler) Handle(_ context.Context, r slog.Record) error {
	kind := h.kind
	if kind == "" {
		kind = strings.ToLower(r.Level.String())
	}
	h.logs.mu.Lock()
	defer h.logs.mu.Unlock()
	h.logs.lines = append(h.logs.lines, kind+" "+r.Message)
	return nil
}

func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	for _, a := range attrs {
		if a.Key == "kind" {
			h.kind = a.Value.String()
		}
	}
	return h
}

func (h handler) WithGroup(string) slog.Handler { return h }

// within fails the test unless at most d has passed since start.
func within(t *testing.T, start time.Time, d time.Duration) {
	t.Helper()
	if took := time.Since(start); took > d {
		t.Errorf("took %s, want at most %s", took, d)
	}
}

// wantErr fails the test unless the error contains all parts. No part, or "", wants no error.
func wantErr(t *testing.T, err error, parts ...string) {
	t.Helper()
	if parts == nil {
		parts = []string{""}
	}
	for _, part := range parts {
		switch {
		case part == "" && err != nil:
			t.Errorf("unexpected: %v", err)
		case part != "" && (err == nil || !strings.Contains(err.Error(), part)):
			t.Errorf("got %v, want %q", err, part)
		}
	}
}

// same fails the test unless two values are equal.
func same[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}
