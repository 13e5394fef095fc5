package standin

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/property"

	"portfolio-infra/internal/sandbox/fakedoppler"
)

const (
	secretURN   = resource.URN("urn:pulumi:dev::portfolio::doppler:index/secret:Secret::s")
	machine     = "dp.sa.made0up0token0of0forty0characters000000000"
	person      = "dp.pt.made0up0token0of0forty0characters000000000"
	databaseURL = "mysql://root:hunter2@db:4000/x"
	databaseID  = "portfolio.dev.DATABASE_URL"
)

// doppler is the stand-in before an emulator.
type doppler struct {
	p.Provider
	t     *testing.T
	cloud *fakedoppler.Cloud

	mu    sync.Mutex
	calls []string
	// fail, where set, may answer a call in the emulator's place.
	fail func(http.ResponseWriter, *http.Request) bool
}

func newDoppler(t *testing.T, cloud *fakedoppler.Cloud) *doppler {
	t.Helper()
	d := &doppler{Provider: Doppler(), t: t, cloud: cloud}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.mu.Lock()
		d.calls = append(d.calls, r.Method+" "+r.URL.RequestURI())
		fail := d.fail
		d.mu.Unlock()
		if fail == nil || !fail(w, r) {
			cloud.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(srv.Close)
	if err := d.Configure(t.Context(), p.ConfigureRequest{Args: inputs("dopplerToken", cloud.Token, "host", srv.URL)}); err != nil {
		t.Fatal(err)
	}
	return d
}

// made are the calls since the last time.
func (d *doppler) made() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	calls := d.calls
	d.calls = nil
	return calls
}

// check returns the checked inputs of the secret.
func (d *doppler) check(pairs ...string) property.Map {
	d.t.Helper()
	in := inputs("project", "portfolio", "config", "dev", "name", "DATABASE_URL", "value", databaseURL)
	r, err := d.Check(d.t.Context(), p.CheckRequest{Urn: secretURN, Inputs: with(in, inputs(pairs...).AsMap())})
	if err != nil || len(r.Failures) > 0 {
		d.t.Fatal(err, r.Failures)
	}
	return r.Inputs
}

func (d *doppler) create(in property.Map) p.CreateResponse {
	d.t.Helper()
	r, err := d.Create(d.t.Context(), p.CreateRequest{Urn: secretURN, Properties: in})
	if err != nil {
		d.t.Fatal(err)
	}
	return r
}

func (d *doppler) read(id string, in, state property.Map) p.ReadResponse {
	d.t.Helper()
	r, err := d.Read(d.t.Context(), p.ReadRequest{Urn: secretURN, ID: id, Inputs: in, Properties: state})
	if err != nil {
		d.t.Fatal(err)
	}
	return r
}

// post changes the secret by hand.
func (d *doppler) post(members string) {
	d.t.Helper()
	r := httptest.NewRequest("POST", "/v3/configs/config/secrets", strings.NewReader(
		`{"project":"portfolio","config":"dev","change_requests":[{"name":"DATABASE_URL",`+members+`}]}`))
	r.Header.Set("Authorization", "Bearer "+d.cloud.Token)
	w := httptest.NewRecorder()
	if d.cloud.ServeHTTP(w, r); w.Code != http.StatusOK {
		d.t.Fatal(w.Body)
	}
}

// kinds are the members that differ, and how.
func kinds(d *doppler, old, new property.Map) map[string]p.DiffKind {
	d.t.Helper()
	r, err := d.Diff(d.t.Context(), p.DiffRequest{Urn: secretURN, OldInputs: old, Inputs: new})
	if err != nil {
		d.t.Fatal(err)
	}
	out := map[string]p.DiffKind{}
	for key, diff := range r.DetailedDiff {
		out[key] = diff.Kind
	}
	if r.HasChanges != (len(out) > 0) {
		d.t.Errorf("HasChanges is %v with %v", r.HasChanges, out)
	}
	return out
}

func wantCalls(t *testing.T, have []string, want ...string) {
	t.Helper()
	if !slices.Equal(have, want) {
		t.Errorf("it called %q, want %q", have, want)
	}
}

const (
	getCall  = "GET /v3/configs/config/secret?config=dev&name=DATABASE_URL&project=portfolio"
	postCall = "POST /v3/configs/config/secrets"
)

func TestDoppler_life(t *testing.T) {
	d := newDoppler(t, &fakedoppler.Cloud{Token: machine})
	in := d.check()
	made := d.create(in)
	wantCalls(t, d.made(), postCall, getCall)
	want := in.Set("computed", property.New(databaseURL).WithSecret(true))
	if made.ID != databaseID || !made.Properties.Equals(want) || text(in, "visibility") != "masked" {
		t.Errorf("create returns %q, %v, want %v", made.ID, made.Properties, want)
	}
	if !d.cloud.Is("portfolio", "dev", "DATABASE_URL", databaseURL) {
		t.Error("it is not there")
	}

	same := d.read(made.ID, in, made.Properties)
	wantCalls(t, d.made(), getCall)
	if k := kinds(d, same.Inputs, in); len(k) > 0 || same.ID != made.ID || !same.Properties.Equals(made.Properties) {
		t.Errorf("what is as it was reads as %v, %v", k, same)
	}

	next := d.check("value", "new", "visibility", "unmasked")
	updated, err := d.Update(t.Context(), p.UpdateRequest{
		Urn: secretURN, ID: made.ID, State: made.Properties, OldInputs: in, Inputs: next,
	})
	if err != nil {
		t.Fatal(err)
	}
	wantCalls(t, d.made(), postCall, getCall)
	if !updated.Properties.Equals(next.Set("computed", property.New("new").WithSecret(true))) {
		t.Errorf("update returns %v", updated.Properties)
	}
	if s := d.cloud.Secrets(); len(s) != 1 || s[0].Visibility != "unmasked" || !d.cloud.Is("portfolio", "dev", "DATABASE_URL", "new") {
		t.Errorf("there is %+v", s)
	}

	d.post(`"value":"by hand","visibility":"masked"`)
	drifted := d.read(made.ID, next, updated.Properties)
	if k := kinds(d, drifted.Inputs, next); !maps.Equal(k, map[string]p.DiffKind{"value": p.Update, "visibility": p.Update}) {
		t.Errorf("drift reads as %v", k)
	}
	if v := drifted.Properties.Get("computed"); text(drifted.Properties, "computed") != "by hand" || !v.Secret() {
		t.Errorf("computed is %v", v)
	}

	d.made()
	for range 2 { // what is gone may be deleted
		if err := d.Delete(t.Context(), p.DeleteRequest{Urn: secretURN, ID: made.ID, Properties: updated.Properties}); err != nil {
			t.Error(err)
		}
	}
	wantCalls(t, d.made(), postCall, postCall)
	if gone := d.read(made.ID, next, updated.Properties); gone.ID != "" {
		t.Errorf("what is gone reads as %v", gone)
	}
}

func TestDoppler_import(t *testing.T) {
	d := newDoppler(t, &fakedoppler.Cloud{Token: machine})
	d.post(`"value":"` + databaseURL + `"`)
	r := d.read(databaseID, property.Map{}, property.Map{})
	if k := kinds(d, r.Inputs, d.check()); r.ID != databaseID || len(k) > 0 || !r.Inputs.Get("value").Secret() {
		t.Errorf("import reads %v", r)
	}
	for _, id := range []string{"", "DATABASE_URL", "portfolio.dev", "portfolio..DATABASE_URL", "a.b.c.d"} {
		_, err := d.Read(t.Context(), p.ReadRequest{Urn: secretURN, ID: id})
		if err == nil || !strings.Contains(err.Error(), "<project>.<config>.<name>") {
			t.Errorf("%q: the error is %v", id, err)
		}
	}
}

// A project or a config that is gone took its secrets along.
func TestDoppler_projectGone(t *testing.T) {
	d := newDoppler(t, &fakedoppler.Cloud{Token: machine, Projects: map[string][]string{}})
	if r := d.read(databaseID, d.check(), d.check()); r.ID != "" {
		t.Errorf("it reads as %v", r)
	}
	if err := d.Delete(t.Context(), p.DeleteRequest{Urn: secretURN, ID: databaseID}); err != nil {
		t.Error(err)
	}
	_, err := d.Create(t.Context(), p.CreateRequest{Urn: secretURN, Properties: d.check()})
	if err == nil || !strings.Contains(err.Error(), "Could not find requested project 'portfolio'") ||
		strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), machine) {
		t.Errorf("the error is %v", err)
	}
}

func TestDoppler_diff(t *testing.T) {
	d := newDoppler(t, &fakedoppler.Cloud{Token: machine})
	for _, tt := range []struct {
		key, value string
		kind       p.DiffKind
	}{
		{"project", "shop", p.UpdateReplace}, {"config", "prd", p.UpdateReplace}, {"name", "URL", p.UpdateReplace},
		{"value", "new", p.Update}, {"visibility", "unmasked", p.Update},
	} {
		if k := kinds(d, d.check(), d.check(tt.key, tt.value)); !maps.Equal(k, map[string]p.DiffKind{tt.key: tt.kind}) {
			t.Errorf("%s: %v", tt.key, k)
		}
	}
	if k := kinds(d, d.check(), d.check()); len(k) > 0 {
		t.Errorf("the same differs: %v", k)
	}
}

func TestDoppler_check(t *testing.T) {
	d := newDoppler(t, &fakedoppler.Cloud{Token: machine})
	good := d.check()
	for name, tt := range map[string]struct {
		in   property.Map
		want string
	}{
		"no project":    {good.Delete("project"), "project"},
		"no value":      {good.Delete("value"), "value"},
		"not a string":  {good.Set("value", property.New(1.0)), "value"},
		"visibility":    {good.Set("visibility", property.New("public")), "visibility"},
		"no such input": {good.Set("valueType", property.New("json")), "valueType"},
		"unknown":       {good.Set("value", property.New(property.Computed)), ""},
	} {
		r, err := d.Check(t.Context(), p.CheckRequest{Urn: secretURN, Inputs: tt.in})
		if err != nil {
			t.Fatal(err)
		}
		var have string
		for _, f := range r.Failures {
			have += f.Property
		}
		if have != tt.want || !r.Inputs.Get("value").Secret() {
			t.Errorf("%s: %v, %v", name, r.Failures, r.Inputs)
		}
	}
	urn := resource.URN("urn:pulumi:dev::portfolio::doppler:index/project:Project::p")
	_, err := d.Check(t.Context(), p.CheckRequest{Urn: urn})
	if err == nil || !strings.Contains(err.Error(), "install the real plugin") {
		t.Errorf("the error is %v", err)
	}
}

func TestDoppler_preview(t *testing.T) {
	d := newDoppler(t, &fakedoppler.Cloud{Token: machine})
	in := d.check()
	created, err := d.Create(t.Context(), p.CreateRequest{Urn: secretURN, Properties: in, DryRun: true})
	if err != nil {
		t.Fatal(err)
	}
	if v := created.Properties.Get("computed"); !v.IsComputed() || !v.Secret() {
		t.Errorf("computed is %v", v)
	}
	state := in.Set("computed", property.New(databaseURL).WithSecret(true))
	for name, tt := range map[string]struct {
		next  property.Map
		known bool
	}{
		"visibility":    {d.check("visibility", "unmasked"), true},
		"value":         {d.check("value", "new"), false},
		"unknown value": {in.Set("value", property.New(property.Computed).WithSecret(true)), false},
	} {
		r, err := d.Update(t.Context(), p.UpdateRequest{Urn: secretURN, ID: databaseID, State: state, Inputs: tt.next, DryRun: true})
		if err != nil {
			t.Fatal(err)
		}
		if v := r.Properties.Get("computed"); v.IsComputed() == tt.known || !v.Secret() {
			t.Errorf("%s: computed is %v", name, v)
		}
	}
	wantCalls(t, d.made())
}

// A person's token may write a restricted secret and not read it: the secret is
// kept in the state, and the error says what to do.
func TestDoppler_restricted(t *testing.T) {
	for token, works := range map[string]bool{machine: true, person: false} {
		d := newDoppler(t, &fakedoppler.Cloud{Token: token})
		in := d.check("visibility", "restricted")
		made, err := d.Create(t.Context(), p.CreateRequest{Urn: secretURN, Properties: in})
		if works != (err == nil) || works != (made.PartialState == nil) || made.ID != databaseID {
			t.Errorf("%s: %+v, %v", token, made, err)
		}
		if !works && (!strings.Contains(err.Error(), "use a service token") || strings.Contains(err.Error(), "hunter2")) {
			t.Errorf("the error is %v", err)
		}
		_, err = d.Read(t.Context(), p.ReadRequest{Urn: secretURN, ID: databaseID, Inputs: in, Properties: made.Properties})
		if works != (err == nil) {
			t.Errorf("%s: reading it: %v", token, err)
		}
		updated, err := d.Update(t.Context(), p.UpdateRequest{Urn: secretURN, ID: databaseID, State: made.Properties, Inputs: in})
		if works != (err == nil) || works != (updated.PartialState == nil) {
			t.Errorf("%s: updating it: %+v, %v", token, updated, err)
		}
	}
}

// The emulator, started anew, answers as before, or withholds the value where it
// has another key. Neither is a change.
func TestDoppler_restart(t *testing.T) {
	for _, token := range []string{machine, machine + "1"} {
		file := filepath.Join(t.TempDir(), "doppler.json")
		d := newDoppler(t, &fakedoppler.Cloud{Token: machine, File: file})
		in := d.check()
		made := d.create(in)
		again := newDoppler(t, &fakedoppler.Cloud{Token: token, File: file})
		r := again.read(made.ID, in, made.Properties)
		if k := kinds(d, r.Inputs, in); len(k) > 0 || !r.Properties.Equals(made.Properties) {
			t.Errorf("it reads as %v, %v", k, r.Properties)
		}
		if token != machine {
			_, err := again.Read(t.Context(), p.ReadRequest{Urn: secretURN, ID: made.ID})
			if err == nil || !strings.Contains(err.Error(), "withholds") {
				t.Errorf("importing it: %v", err)
			}
		}
	}
}

// A write whose answer was lost is sent again; what the API refuses with a 200 is
// refused.
func TestDoppler_lostAnswer(t *testing.T) {
	d := newDoppler(t, &fakedoppler.Cloud{Token: machine})
	lost := 0
	d.fail = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPost || lost > 0 {
			return false
		}
		lost++
		d.cloud.ServeHTTP(httptest.NewRecorder(), r)
		w.WriteHeader(http.StatusBadGateway)
		return true
	}
	d.create(d.check())
	wantCalls(t, d.made(), postCall, postCall, getCall)

	d.fail = func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"success":false,"messages":["not today"]}`))
		return true
	}
	err := d.Delete(t.Context(), p.DeleteRequest{Urn: secretURN, ID: databaseID})
	if err == nil || !strings.Contains(err.Error(), "not today") {
		t.Errorf("the error is %v", err)
	}
}

func TestDoppler_configure(t *testing.T) {
	used := ""
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		used, _, _ = r.BasicAuth()
		w.WriteHeader(http.StatusNotFound)
	}))
	t.Cleanup(srv.Close)
	for name, tt := range map[string]struct {
		env, args []string
		token     string
		err       string
	}{
		"environment": {[]string{"DOPPLER_TOKEN", "e", "DOPPLER_API_HOST", srv.URL}, nil, "e", ""},
		"config": {
			[]string{"DOPPLER_TOKEN", "e", "DOPPLER_API_HOST", "https://doppler.invalid"},
			[]string{"dopplerToken", "c", "host", srv.URL}, "c", "",
		},
		"nothing": {nil, nil, "", "set doppler:dopplerToken or DOPPLER_TOKEN"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("DOPPLER_TOKEN", "")
			t.Setenv("DOPPLER_API_HOST", "")
			for i := 0; i < len(tt.env); i += 2 {
				t.Setenv(tt.env[i], tt.env[i+1])
			}
			d := Doppler()
			err := d.Configure(t.Context(), p.ConfigureRequest{Args: inputs(tt.args...)})
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("the error is %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, err := d.Read(t.Context(), p.ReadRequest{Urn: secretURN, ID: databaseID}); err != nil || used != tt.token {
				t.Errorf("the token is %q, %v", used, err)
			}
		})
	}
}
