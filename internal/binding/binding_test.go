package binding

import (
	"bytes"
	"encoding/json"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"slices"
	"strings"
	"testing"

	"portfolio-infra/internal/sandbox/emulator"
	"portfolio-infra/internal/sandbox/emulator/cloudflare"
)

const (
	account = cloudflare.DefaultAccountID
	token   = "a-token-that-is-made-up-0123456789abcdef"
)

// world is an emulated Cloudflare with the Workers "api" and "auth" and an empty
// Pages project "site".
type world struct {
	*testing.T
	cloud  *cloudflare.Cloud
	log    *emulator.Log
	faults *emulator.Faults
	url    string
	// previous is the answer of the last command.
	previous string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{T: t, cloud: &cloudflare.Cloud{Token: token}, log: &emulator.Log{}, faults: &emulator.Faults{}}
	server := httptest.NewServer(&emulator.Server{Cloud: "cloudflare", Handler: w.cloud, Log: w.log, Faults: w.faults})
	t.Cleanup(server.Close)
	w.url = server.URL + "/client/v4"
	for _, name := range []string{"api", "auth"} {
		w.upload(name)
	}
	w.call(http.MethodPost, "/pages/projects", `{"name":"site","production_branch":"main"}`)
	return w
}

// call makes a call as another client would, and returns the body of the answer.
func (w *world) call(method, path, body string) string {
	w.Helper()
	return w.send(method, path, "application/json", strings.NewReader(body))
}

func (w *world) send(method, path, contentType string, body interface{ Read([]byte) (int, error) }) string {
	w.Helper()
	request, err := http.NewRequestWithContext(w.Context(), method, w.url+"/accounts/"+account+path, body)
	if err != nil {
		w.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Content-Type", contentType)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		w.Fatal(err)
	}
	defer response.Body.Close()
	var answer bytes.Buffer
	if _, err := answer.ReadFrom(response.Body); err != nil {
		w.Fatal(err)
	}
	if response.StatusCode/100 != 2 {
		w.Fatalf("%s %s: %d %s", method, path, response.StatusCode, answer.String())
	}
	return answer.String()
}

func (w *world) upload(name string) {
	w.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for _, part := range [][4]string{
		{"metadata", "", "application/json", `{"main_module":"w.js"}`},
		{"w.js", "w.js", "application/javascript+module", "export default {}"},
	} {
		disposition := `form-data; name="` + part[0] + `"`
		if part[1] != "" {
			disposition += `; filename="` + part[1] + `"`
		}
		p, err := form.CreatePart(textproto.MIMEHeader{"Content-Disposition": {disposition}, "Content-Type": {part[2]}})
		if err != nil {
			w.Fatal(err)
		}
		if _, err := p.Write([]byte(part[3])); err != nil {
			w.Fatal(err)
		}
	}
	if err := form.Close(); err != nil {
		w.Fatal(err)
	}
	w.send(http.MethodPut, "/workers/scripts/"+name, form.FormDataContentType(), &body)
}

// run runs a command for the project "site" as the engine would, and returns its
// answer and the methods of the calls that it made.
func (w *world) run(verb, bindings string) (Result, []string, error) {
	w.Helper()
	return w.request(verb, `{"accountId":"`+account+`","project":"site","bindings":`+bindings+`}`)
}

func (w *world) request(verb, request string) (Result, []string, error) {
	w.Helper()
	before := len(w.log.Calls())
	var out bytes.Buffer
	env := map[string]string{EnvToken: token, EnvBaseURL: w.url, envPrevious: w.previous}
	err := Run(w.Context(), verb, strings.NewReader(request), &out, func(name string) string { return env[name] })
	var methods []string
	for _, c := range w.log.Calls()[before:] {
		methods = append(methods, c.Method)
	}
	if err != nil {
		return Result{}, methods, err
	}
	if n := strings.Count(out.String(), "\n"); n != 1 {
		w.Errorf("the answer has %d lines: %s", n, out.String())
	}
	w.previous = strings.TrimSuffix(out.String(), "\n")
	var result Result
	if err := json.Unmarshal(out.Bytes(), &result); err != nil {
		w.Fatal(err)
	}
	return result, methods, nil
}

func (w *world) mustRun(verb, bindings string) (Result, []string) {
	w.Helper()
	result, methods, err := w.run(verb, bindings)
	if err != nil {
		w.Fatal(err)
	}
	return result, methods
}

// services returns the service bindings of one environment as "NAME=service".
func (w *world) services(environment string) []string {
	w.Helper()
	project := w.cloud.Projects()[0]
	config := project.Production
	if environment == "preview" {
		config = project.Preview
	}
	var all []string
	for name, s := range config.Services {
		all = append(all, name+"="+s.Service)
	}
	slices.Sort(all)
	return all
}

func (w *world) want(what string, have []string, want ...string) {
	w.Helper()
	if !slices.Equal(have, want) {
		w.Errorf("%s: %v, want %v", what, have, want)
	}
}

const apiBinding = `{"API_SERVICE":{"service":"api","environment":"production"}}`

func TestBind_idempotent(t *testing.T) {
	w := newWorld(t)
	result, methods := w.mustRun("bind", apiBinding)
	w.want("calls", methods, "GET", "PATCH", "GET")
	w.want("changed", result.Changed, "production.API_SERVICE", "preview.API_SERVICE")
	w.want("production", w.services("production"), "API_SERVICE=api")
	w.want("preview", w.services("preview"), "API_SERVICE=api")
	first := result.ChangedAt

	result, methods = w.mustRun("bind", apiBinding)
	w.want("calls of the second run", methods, "GET")
	w.want("changed by the second run", result.Changed)
	if result.ChangedAt != first {
		t.Errorf("the second run forgot when the bindings were changed: %q, want %q", result.ChangedAt, first)
	}
}

func TestBind_sendsWholeObjects(t *testing.T) {
	w := newWorld(t)
	w.mustRun("bind", `{"A":{"service":"api","environment":"production","entrypoint":"One"}}`)
	w.mustRun("bind", `{"A":{"service":"api","environment":"staging","entrypoint":"One"}}`)
	have := w.cloud.Projects()[0].Preview.Services["A"]
	if want := (cloudflare.Service{Service: "api", Environment: "staging", Entrypoint: "One"}); have != want {
		t.Errorf("%+v, want %+v", have, want)
	}
}

func TestBind_drift(t *testing.T) {
	for name, patch := range map[string]string{
		"removed":                `{"production":{"services":{"API_SERVICE":null}},"preview":{"services":{"API_SERVICE":null}}}`,
		"removed from one":       `{"preview":{"services":{"API_SERVICE":null}}}`,
		"pointed elsewhere":      `{"production":{"services":{"API_SERVICE":{"service":"auth","environment":"production"}}}}`,
		"in another environment": `{"production":{"services":{"API_SERVICE":{"service":"api","environment":"staging"}}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.mustRun("bind", apiBinding)
			w.call(http.MethodPatch, "/pages/projects/site", `{"deployment_configs":`+patch+`}`)
			result, methods := w.mustRun("bind", apiBinding)
			w.want("calls", methods, "GET", "PATCH", "GET")
			if len(result.Found) == 0 {
				t.Error("the answer does not say what was found")
			}
			w.want("production", w.services("production"), "API_SERVICE=api")
			w.want("preview", w.services("preview"), "API_SERVICE=api")
		})
	}
}

func TestBind_leavesTheRestAlone(t *testing.T) {
	w := newWorld(t)
	w.call(http.MethodPatch, "/pages/projects/site", `{"deployment_configs":{
		"production":{"services":{"THEIRS":{"service":"auth","environment":"production"}},
			"env_vars":{"MODE":{"type":"plain_text","value":"live"},"KEY":{"type":"secret_text","value":"hidden"}},
			"compatibility_date":"2026-02-03","compatibility_flags":["nodejs_compat"]},
		"preview":{"env_vars":{"MODE":{"type":"plain_text","value":"test"}}}}}`)
	before := w.cloud.Projects()[0]
	rest := func(raw string) string {
		var project struct {
			Result struct {
				Configs map[string]map[string]any `json:"deployment_configs"`
			}
		}
		if err := json.Unmarshal([]byte(raw), &project); err != nil {
			t.Fatal(err)
		}
		for _, config := range project.Result.Configs {
			if services, ok := config["services"].(map[string]any); ok {
				delete(services, "API_SERVICE")
				if len(services) == 0 {
					config["services"] = nil
				}
			}
			if config["services"] == nil {
				delete(config, "services")
			}
		}
		b, err := json.MarshalIndent(project.Result.Configs, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	raw := rest(w.call(http.MethodGet, "/pages/projects/site", ""))
	for _, verb := range []string{"bind", "unbind"} {
		w.mustRun(verb, apiBinding)
		if have := rest(w.call(http.MethodGet, "/pages/projects/site", "")); have != raw {
			t.Errorf("%s changed something else:\n%s\nwant:\n%s", verb, have, raw)
		}
		if have := w.cloud.Projects()[0]; have.Production.Secrets["KEY"] != before.Production.Secrets["KEY"] {
			t.Errorf("%s changed the secret: %+v", verb, have.Production)
		}
	}
	w.want("production", w.services("production"), "THEIRS=auth")
}

func TestBind_severalAndFewer(t *testing.T) {
	w := newWorld(t)
	w.mustRun("bind", `{"A":{"service":"api","environment":"production"},"B":{"service":"auth","environment":"production"},"C":{"service":"auth","environment":"production"}}`)
	w.want("production", w.services("production"), "A=api", "B=auth", "C=auth")
	// Somebody takes C over: it is theirs now.
	w.call(http.MethodPatch, "/pages/projects/site", `{"deployment_configs":{"production":{"services":{"C":{"service":"api","environment":"production"}}}}}`)
	result, methods := w.mustRun("bind", `{"A":{"service":"api","environment":"production"}}`)
	w.want("calls", methods, "GET", "PATCH", "GET")
	w.want("removed", result.Removed, "production.B", "preview.B", "preview.C")
	w.want("production", w.services("production"), "A=api", "C=api")
	w.want("preview", w.services("preview"), "A=api")
}

func TestBind_redeploy(t *testing.T) {
	w := newWorld(t)
	if result, _ := w.mustRun("bind", apiBinding); result.Redeploy {
		t.Error("a project without deployments needs a new one")
	}
	w.call(http.MethodPatch, "/pages/projects/site", `{"deployment_configs":{"preview":{"services":{"API_SERVICE":null}}}}`)
	if _, err := w.cloud.AddDeployment("site", "main"); err != nil {
		t.Fatal(err)
	}
	w.previous = `{"project":"site","changedAt":"2999-01-01T00:00:00Z"}`
	w.call(http.MethodPatch, "/pages/projects/site", `{"deployment_configs":{"preview":{"services":{"API_SERVICE":{"service":"api","environment":"production"}}}}}`)
	if result, _ := w.mustRun("bind", apiBinding); !result.Redeploy {
		t.Error("a deployment that is older than the binding needs no new one")
	}
	w.previous = `{"project":"site","changedAt":"2001-01-01T00:00:00Z"}`
	if result, _ := w.mustRun("bind", apiBinding); result.Redeploy {
		t.Error("a deployment that is newer than the binding needs a new one")
	}
}

// A newer deployment of a preview is none of production's.
func TestBind_redeploy_preview(t *testing.T) {
	w := newWorld(t)
	if _, err := w.cloud.AddDeployment("site", "feature"); err != nil {
		t.Fatal(err)
	}
	w.previous = `{"project":"site","changedAt":"2999-01-01T00:00:00Z"}`
	w.call(http.MethodPatch, "/pages/projects/site", `{"deployment_configs":{"production":{"services":{"API_SERVICE":{"service":"api","environment":"production"}}},"preview":{"services":{"API_SERVICE":{"service":"api","environment":"production"}}}}}`)
	if result, _ := w.mustRun("bind", apiBinding); result.Redeploy {
		t.Error("a project that has only a preview needs a new deployment")
	}
	if _, err := w.cloud.AddDeployment("site", "main"); err != nil {
		t.Fatal(err)
	}
	w.previous = `{"project":"site","changedAt":"2001-01-01T00:00:00Z"}`
	if result, _ := w.mustRun("bind", apiBinding); result.Redeploy {
		t.Error("a production deployment that is newer needs a new one")
	}
}

func TestBind_previewOfItsOwn(t *testing.T) {
	w := newWorld(t)
	run := func(preview string) Result {
		t.Helper()
		result, _, err := w.request("bind", `{"accountId":"`+account+`","project":"site","bindings":`+apiBinding+preview+`}`)
		if err != nil {
			t.Fatal(err)
		}
		return result
	}
	run("")
	run(`,"preview":{}`)
	w.want("production", w.services("production"), "API_SERVICE=api")
	w.want("preview", w.services("preview"))
	result := run(`,"preview":{"API_SERVICE":{"service":"auth","environment":"production"}}`)
	w.want("changed", result.Changed, "preview.API_SERVICE")
	w.want("preview", w.services("preview"), "API_SERVICE=auth")
	if _, methods, err := w.request("unbind", `{"accountId":"`+account+`","project":"site","bindings":`+apiBinding+`,"preview":{"API_SERVICE":{"service":"auth","environment":"production"}}}`); err != nil || !slices.Contains(methods, "PATCH") {
		t.Errorf("unbind: %v, %v", methods, err)
	}
	w.want("production", w.services("production"))
	w.want("preview", w.services("preview"))
}

func TestBind_projectDeleted(t *testing.T) {
	w := newWorld(t)
	w.mustRun("bind", apiBinding)
	w.call(http.MethodDelete, "/pages/projects/site", "")
	result, methods, err := w.request("bind", `{"accountId":"`+account+`","project":"site","productionBranch":"trunk","bindings":`+apiBinding+`}`)
	if err != nil {
		t.Fatal(err)
	}
	w.want("calls", methods, "GET", "POST", "GET", "PATCH", "GET")
	if !result.Made || w.cloud.Projects()[0].ProductionBranch != "trunk" {
		t.Errorf("made: %+v, %+v", result, w.cloud.Projects()[0])
	}
	w.want("production", w.services("production"), "API_SERVICE=api")
}

// A project that takes its bindings from a Wrangler file is not patched, and the error
// has the lines for that file. Once they were deployed there is nothing to patch.
func TestBind_wranglerFile(t *testing.T) {
	w := newWorld(t)
	w.call(http.MethodPatch, "/pages/projects/site", `{"deployment_configs":{"production":{"wrangler_config_hash":"cafe"}}}`)
	request := `{"accountId":"` + account + `","project":"site","bindings":` + apiBinding + `,"preview":{}}`
	_, methods, err := w.request("bind", request)
	if err == nil || !strings.Contains(err.Error(), "\n[[services]]\nbinding = \"API_SERVICE\"\nservice = \"api\"\nenvironment = \"production\"\n\n[env.preview]\nservices = []") {
		t.Errorf("the error is %v", err)
	}
	w.want("calls", methods, "GET")
	w.call(http.MethodPatch, "/pages/projects/site", `{"deployment_configs":{"production":{"services":{"API_SERVICE":{"service":"api","environment":"production"}}}}}`)
	_, methods, err = w.request("bind", request)
	if err != nil {
		t.Error(err)
	}
	w.want("calls", methods, "GET")
}

func TestBind_apiForgets(t *testing.T) {
	w := newWorld(t)
	// The PATCH is answered with success and does nothing.
	if err := w.faults.Set(emulator.Fault{Method: http.MethodPatch, Body: `{"success":true,"result":{}}`, Header: map[string]string{"Content-Type": "application/json"}}); err != nil {
		t.Fatal(err)
	}
	_, methods, err := w.run("bind", apiBinding)
	if err == nil || !strings.Contains(err.Error(), "did not keep it") {
		t.Errorf("the error is %v", err)
	}
	w.want("calls", methods, "GET", "PATCH", "GET")
}

func TestBind_lostAnswer(t *testing.T) {
	w := newWorld(t)
	if err := w.faults.Set(emulator.Fault{Method: http.MethodPatch, After: true, Reset: true}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := w.run("bind", apiBinding); err != nil {
		t.Error(err)
	}
	w.want("production", w.services("production"), "API_SERVICE=api")
}

func TestBind_errors(t *testing.T) {
	w := newWorld(t)
	for name, test := range map[string]struct{ request, want string }{
		"no project": {`{"accountId":"` + account + `","project":"nowhere","bindings":` + apiBinding + `}`, "pulumi refresh"},
		"no Worker":  {`{"accountId":"` + account + `","project":"site","bindings":{"A":{"service":"ghost","environment":"production"}}}`, "ghost"},
	} {
		_, _, err := w.request("bind", test.request)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: the error is %v, want %q in it", name, err, test.want)
		}
		if strings.Contains(err.Error(), token) {
			t.Errorf("%s: the error shows the token", name)
		}
	}
}

func TestUnbind(t *testing.T) {
	w := newWorld(t)
	w.mustRun("bind", apiBinding)
	w.call(http.MethodPatch, "/pages/projects/site", `{"deployment_configs":{"preview":{"services":{"API_SERVICE":{"service":"auth","environment":"production"}}}}}`)
	result, methods := w.mustRun("unbind", apiBinding)
	w.want("calls", methods, "GET", "PATCH", "GET")
	w.want("removed", result.Removed, "production.API_SERVICE")
	w.want("production", w.services("production"))
	w.want("what somebody changed", w.services("preview"), "API_SERVICE=auth")

	_, methods = w.mustRun("unbind", apiBinding)
	w.want("calls of the second run", methods, "GET")

	w.call(http.MethodDelete, "/pages/projects/site", "")
	_, methods = w.mustRun("unbind", apiBinding)
	w.want("calls without a project", methods, "GET")
}

func TestRun_badRequests(t *testing.T) {
	w := newWorld(t)
	for name, test := range map[string]struct{ request, want string }{
		"empty":                {"", "no request on standard input"},
		"white space":          {" \n\t", "no request on standard input"},
		"not JSON":             {"bind it", "reading the request"},
		"two values":           {`{"accountId":"` + account + `","project":"site","bindings":` + apiBinding + `}{}`, "more after the JSON object"},
		"unknown member":       {`{"accountID":"x","naem":"y"}`, "unknown field"},
		"no bindings":          {`{"accountId":"` + account + `","project":"site","bindings":{}}`, "bindings: there is none"},
		"account with a path":  {`{"accountId":"../x","project":"site","bindings":` + apiBinding + `}`, "accountId:"},
		"project with a path":  {`{"accountId":"` + account + `","project":"a/../b","bindings":` + apiBinding + `}`, "project:"},
		"project with a query": {`{"accountId":"` + account + `","project":"a?b","bindings":` + apiBinding + `}`, "project:"},
		"binding's name":       {`{"accountId":"` + account + `","project":"site","bindings":{"A B":{"service":"api","environment":"production"}}}`, "A B"},
		"empty service":        {`{"accountId":"` + account + `","project":"site","bindings":{"A":{"service":"","environment":"production"}}}`, `service ""`},
		"no environment":       {`{"accountId":"` + account + `","project":"site","bindings":{"A":{"service":"api","environment":""}}}`, `environment ""`},
		"bad entrypoint":       {`{"accountId":"` + account + `","project":"site","bindings":{"A":{"service":"api","environment":"production","entrypoint":"a;b"}}}`, "entrypoint"},
		"too long":             {strings.Repeat(" ", maxRequest) + "{}", "longer than"},
	} {
		for _, verb := range []string{"bind", "unbind"} {
			_, methods, err := w.request(verb, test.request)
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.HasPrefix(err.Error(), verb+": ") {
				t.Errorf("%s %s: the error is %v, want %q in it", verb, name, err, test.want)
			}
			w.want(verb+" "+name+": calls", methods)
		}
	}
}

func TestRun_environment(t *testing.T) {
	w := newWorld(t)
	request := `{"accountId":"` + account + `","project":"site","bindings":` + apiBinding + `}`
	for name, test := range map[string]struct{ token, url, want string }{
		"no token":         {"", w.url, EnvToken},
		"URL in the clear": {token, "http://api.example.com", EnvBaseURL},
		"no URL":           {token, "://", EnvBaseURL},
	} {
		env := map[string]string{EnvToken: test.token, EnvBaseURL: test.url}
		err := Run(t.Context(), "bind", strings.NewReader(request), &bytes.Buffer{}, func(n string) string { return env[n] })
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: the error is %v, want %q in it", name, err, test.want)
		}
	}
}
