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

	// timeout is the resource option customTimeouts, in seconds.
	timeout float64

	id      string
	inputs  property.Map
	outputs property.Map
	failed  bool // the last create or update ended in an init error
}

// newEngine serves the provider on the fake cloud and configures it.
func newEngine(t *testing.T, c *cloud, typ tokens.Type) *engine {
	t.Helper()
	return configured(t, provider.Options{Transport: resttest.Transport(c)}, typ, map[string]property.Value{
		"publicKey":          property.New("PUBLIC1"),
		"privateKey":         property.New("private-0f3a").WithSecret(true),
		"serverlessEndpoint": property.New("https://serverless.test"),
		"iamEndpoint":        property.New("https://iam.test"),
	})
}

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

// check runs Check and fails the test unless it is content.
func (e *engine) check(inputs property.Map) property.Map {
	e.t.Helper()
	resp, err := e.Check(p.CheckRequest{Urn: e.urn(), State: e.inputs, Inputs: inputs})
	if err != nil || len(resp.Failures) > 0 {
		e.t.Fatalf("check: %v %v", err, resp.Failures)
	}
	return resp.Inputs
}

// up brings the resource to the inputs and tells how: create, same, update or
// replace.
func (e *engine) up(inputs property.Map) (string, error) {
	e.t.Helper()
	checked := e.check(inputs)
	if e.id == "" {
		return "create", e.create(checked)
	}
	diff, err := e.Diff(p.DiffRequest{ID: e.id, Urn: e.urn(), State: e.outputs, OldInputs: e.inputs, Inputs: checked})
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
		return "replace", e.create(checked)
	case diff.HasChanges || e.failed:
		return "update", e.update(checked)
	}
	e.inputs = checked
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

func (e *engine) create(checked property.Map) error {
	e.t.Helper()
	if _, err := e.Create(p.CreateRequest{Urn: e.urn(), Properties: checked, DryRun: true}); err != nil {
		return err
	}
	resp, err := e.Create(p.CreateRequest{Urn: e.urn(), Properties: checked, Timeout: e.timeout})
	if err != nil && resp.PartialState == nil {
		return err
	}
	e.id, e.inputs, e.outputs, e.failed = resp.ID, checked, resp.Properties, err != nil
	return reasons(err)
}

func (e *engine) update(checked property.Map) error {
	e.t.Helper()
	req := p.UpdateRequest{ID: e.id, Urn: e.urn(), State: e.outputs, OldInputs: e.inputs, Inputs: checked, DryRun: true}
	if _, err := e.Update(req); err != nil {
		return err
	}
	req.DryRun, req.Timeout = false, e.timeout
	resp, err := e.Update(req)
	if err != nil && resp.PartialState == nil {
		return err
	}
	e.inputs, e.outputs, e.failed = checked, resp.Properties, err != nil
	return reasons(err)
}

func (e *engine) delete() error {
	err := e.Delete(p.DeleteRequest{ID: e.id, Urn: e.urn(), Properties: e.outputs, OldInputs: e.inputs, Timeout: e.timeout})
	if err == nil {
		e.id, e.inputs, e.outputs, e.failed = "", property.Map{}, property.Map{}, false
	}
	return err
}

// refresh tells whether anything changed; a resource that is gone leaves the state.
func (e *engine) refresh() (bool, error) {
	resp, err := e.Read(p.ReadRequest{ID: e.id, Urn: e.urn(), Properties: e.outputs, Inputs: e.inputs})
	if err != nil {
		return false, err
	}
	changed := resp.ID != e.id || !resp.Properties.Equals(e.outputs) || !resp.Inputs.Equals(e.inputs)
	e.id, e.inputs, e.outputs, e.failed = resp.ID, resp.Inputs, resp.Properties, false
	return changed, nil
}

// reasons is what the engine shows of an init error.
func reasons(err error) error {
	var failed infer.ResourceInitFailedError
	if errors.As(err, &failed) {
		return errors.New(strings.Join(failed.Reasons, "; "))
	}
	return err
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

// has tells whether a line contains all parts.
func (l *logs) has(parts ...string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.ContainsFunc(l.lines, func(line string) bool {
		return !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(line, part) })
	})
}

func (l *logs) all() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "\n")
}

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
	h.logs.lines = append(h.logs.lines, kind+" "+r.Message)
	h.logs.mu.Unlock()
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
