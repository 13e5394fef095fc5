package pages

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"

	"portfolio-infra/internal/cloudflare"
	"portfolio-infra/internal/testcheck"
)

// goodRequest is the request of which a test changes one thing.
var goodRequest = bindRequest(`"createdOn":"2026-01-02T03:04:05Z","bindings":{"API":{"service":"api","environment":"production"}}`)

// runCommand runs a command as main does, and returns what it prints.
func runCommand(t *testing.T, verb, request string, env vars) (out, said string, err error) {
	t.Helper()
	var stdout, stderr strings.Builder
	err = Run(t.Context(), verb, strings.NewReader(request), &stdout, &stderr, env.get)
	return stdout.String(), stderr.String(), err
}

func TestRun(t *testing.T) {
	s := newSite(t, "")
	server := httptest.NewServer(s.Cloud)
	defer server.Close()
	out, _, err := runCommand(t, "bind", goodRequest, vars{cloudflare.EnvToken: apiToken, cloudflare.EnvBaseURL: server.URL + "/client/v4"})
	if err != nil {
		t.Fatal(err)
	}
	var result BindResult
	if err := json.Unmarshal([]byte(out), &result); err != nil || strings.Count(out, "\n") != 1 || len(result.Changed) != 2 {
		t.Errorf("printed %q: %v", out, err)
	}
	s.wantBound("preview.API=api", "production.API=api")
}

func TestRun_badRequest(t *testing.T) {
	const binding = `{"service":"api","environment":"production"}`
	with := func(old, replacement string) string { return strings.Replace(goodRequest, old, replacement, 1) }
	for name, tt := range map[string]struct{ request, wantErr string }{
		"empty":                       {"", "no request on standard input"},
		"not JSON":                    {"bind it", "reading the request"},
		"two values":                  {goodRequest + "{}", "unexpected text after the JSON object"},
		"too long":                    {strings.Repeat(" ", maxRequest) + "{}", "longer than"},
		"null":                        {"null", "accountId:"},
		"list":                        {"[" + goodRequest + "]", "reading the request"},
		"unknown field":               {`{"accountID":"x","naem":"y"}`, "unknown field"},
		"account with a path":         {with(account, "../x"), "accountId:"},
		"account as a number":         {with(`"`+account+`"`, "1"), "accountId"},
		"project with shell syntax":   {with("site", "$(id)"), `project: "$(id)" is not a valid Pages project name`},
		"project that is too long":    {with("site", strings.Repeat("a", 59)), "project:"},
		"no bindings":                 {with(`{"API":`+binding+`}`, `{}`), "bindings: at least one is needed"},
		"null for a binding":          {with(binding, `null`), `API: service ""`},
		"binding with unknown field":  {with(`"service"`, `"servce"`), `unknown field "servce"`},
		"binding with a space":        {with(`"API"`, `"A B"`), `"A B" is not a valid binding name`},
		"preview's binding":           {with(`,"bindings"`, `,"preview":{"1A":`+binding+`},"bindings"`), `preview: "1A" is not a valid binding name`},
		"service with a path":         {with(`"api"`, `"../api"`), `API: service "../api"`},
		"environment with a slash":    {with(`"production"`, `"a/b"`), `API: environment "a/b"`},
		"environment as a number":     {with(`"production"`, `1`), "environment"},
		"entrypoint with a semicolon": {with(`"production"`, `"production","entrypoint":"a;b"`), `API: entrypoint "a;b"`},
		"secret without a key":        {with(`"bindings"`, `"secrets":{"A":"x"},"bindings"`), "key: at least 16 characters"},
		"variable with a dash":        {with(`"bindings"`, `"vars":{"A-B":"x"},"bindings"`), `vars: "A-B"`},
		"several mistakes, last":      {strings.Replace(with("site", "S"), `"api"`, `"A"`, 1), `service "A"`},
		"several mistakes, first":     {strings.Replace(with("site", "S"), `"api"`, `"A"`, 1), `project: "S"`},
	} {
		t.Run(name, func(t *testing.T) {
			for _, verb := range []string{"bind", "unbind"} {
				// A call to this address would fail with another error.
				out, _, err := runCommand(t, verb, tt.request, vars{cloudflare.EnvToken: apiToken, cloudflare.EnvBaseURL: "http://127.0.0.1:1"})
				testcheck.Error(t, err, verb+": ", tt.wantErr)
				equal(t, "printed", out, "")
			}
		})
	}
}

func TestRun_badEnvironment(t *testing.T) {
	for name, tt := range map[string]struct{ token, url, wantErr string }{
		"no token":            {"", "https://api.example.com", "bind: no API token: set " + cloudflare.EnvToken},
		"URL without TLS":     {apiToken, "http://api.example.com", "bind: " + cloudflare.EnvBaseURL + ": "},
		"no URL":              {apiToken, "://", "bind: " + cloudflare.EnvBaseURL + ": "},
		"URL with a password": {apiToken, "https://user:hunter2@api.example.com", "bind: " + cloudflare.EnvBaseURL + ": "},
	} {
		t.Run(name, func(t *testing.T) {
			out, _, err := runCommand(t, "bind", goodRequest, vars{cloudflare.EnvToken: tt.token, cloudflare.EnvBaseURL: tt.url})
			testcheck.Error(t, err, tt.wantErr)
			if err != nil && (strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), apiToken)) || out != "" {
				t.Errorf("printed %q: %v", out, err)
			}
		})
	}
}
