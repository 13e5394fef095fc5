package cloudflare_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"portfolio-infra/internal/sandbox/emulator/cloudflare"
)

func TestCloud_Credentials(t *testing.T) {
	other := strings.Repeat("a", 32)
	good, bad := "Bearer "+token, "Bearer "+strings.Repeat("x", 40)
	for _, tt := range []struct {
		name, path   string
		header       http.Header
		status, code int
	}{
		{"none", pages, nil, 400, 9106},
		{"a key", pages, http.Header{"X-Auth-Key": {"k"}, "X-Auth-Email": {"e"}}, 403, 9103},
		{"not a bearer", pages, http.Header{"Authorization": {"Basic " + token}}, 400, 6003},
		{"too short", pages, http.Header{"Authorization": {"Bearer abc"}}, 400, 6003},
		{"odd characters", pages, http.Header{"Authorization": {good + "$"}}, 400, 6003},
		{"two spaces", pages, http.Header{"Authorization": {"Bearer  " + token}}, 400, 6003},
		{"wrong, Pages", pages, http.Header{"Authorization": {bad}}, 401, 10000},
		{"wrong, Workers", wrk, http.Header{"Authorization": {bad}}, 401, 10000},
		{"wrong, accounts", "/accounts", http.Header{"Authorization": {bad}}, 403, 9109},
		{"wrong, account", acct, http.Header{"Authorization": {bad}}, 403, 9109},
		{"wrong, verify", "/user/tokens/verify", http.Header{"Authorization": {bad}}, 401, 1000},
		{"wrong, account's verify", acct + "/tokens/verify", http.Header{"Authorization": {bad}}, 401, 1000},
		{"other account, Pages", "/accounts/" + other + "/pages/projects", http.Header{"Authorization": {good}}, 403, 10000},
		{"other account", "/accounts/" + other, http.Header{"Authorization": {good}}, 403, 9109},
		{"no account id", "/accounts/me/pages/projects", http.Header{"Authorization": {good}}, 404, 7003},
		{"good", pages, http.Header{"Authorization": {good}}, 200, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := serve(t, &cloudflare.Cloud{})
			c.head = tt.header
			res := c.do("GET", tt.path, nil)
			code := 0
			if len(res.Errors) > 0 {
				code = res.Errors[0].Code
			}
			if res.status != tt.status || code != tt.code {
				t.Errorf("%d, code %d, want %d, code %d: %s", res.status, code, tt.status, tt.code, res.body)
			}
			if code == 6003 && (len(res.Errors[0].Chain) != 1 || res.Errors[0].Chain[0].Code != 6111) {
				t.Errorf("the chain is not there: %s", res.body)
			}
		})
	}
}

func TestCloud_NoToken(t *testing.T) {
	cloud := &cloudflare.Cloud{}
	c := serve(t, cloud)
	cloud.Token = ""
	c.refused("GET", pages, nil, 401, 10000, "Authentication error")
}

func TestCloud_NoRoute(t *testing.T) {
	c := serve(t, &cloudflare.Cloud{})
	for _, tt := range []struct{ method, path string }{
		{"GET", ""}, {"GET", "/zones"}, {"POST", pages + "/p/deployments/d/rollback"}, {"GET", pages + "/"},
		{"GET", pages + "//p"}, {"GET", pages + "/../projects"}, {"GET", acct + "/workers/scripts/w/versions"},
	} {
		res := c.do(tt.method, tt.path, nil)
		if res.status != 400 || len(res.Errors) != 2 || res.Errors[0].Code != 7003 || res.Errors[1].Code != 7000 ||
			!strings.Contains(res.Errors[1].Message, tt.method+" /client/v4"+tt.path) {
			t.Errorf("%s %s: %d %s", tt.method, tt.path, res.status, res.body)
		}
	}
	for _, tt := range []struct{ method, path string }{
		{"PUT", pages}, {"DELETE", "/accounts"}, {"POST", wrk + "/w/settings"}, {"POST", acct + "/workers/subdomain"},
	} {
		c.refused(tt.method, tt.path, nil, 405, 10405, tt.method+" /client/v4"+tt.path)
	}
}

// Every path that needs a project or a Worker says so when it is not there, and
// a name is one segment of the path whatever it holds.
func TestCloud_NotThere(t *testing.T) {
	c := serve(t, &cloudflare.Cloud{})
	for _, name := range []string{"none", "a%2Fb", "%2e%2e", "a%20b", "%C3%A9"} {
		p, w := pages+"/"+name, wrk+"/"+name
		for _, tt := range []struct {
			method, path string
			body         any
			code         int
		}{
			{"GET", p, nil, 8000007}, {"PATCH", p, "{}", 8000007}, {"DELETE", p, nil, 8000007},
			{"GET", p + "/deployments", nil, 8000007}, {"GET", p + "/deployments/d", nil, 8000007},
			{"POST", p + "/deployments/d/retry", nil, 8000007},
			{"GET", p + "/domains", nil, 8000007}, {"POST", p + "/domains", "{}", 8000007},
			{"GET", p + "/domains/d", nil, 8000007}, {"DELETE", p + "/domains/d", nil, 8000007},
			{"GET", acct + "/workers/services/" + name, nil, 10090},
			{"DELETE", acct + "/workers/services/" + name, nil, 10007},
			{"GET", w, nil, 10007}, {"DELETE", w, nil, 10007}, {"GET", w + "/content/v2", nil, 10007},
			{"GET", w + "/settings", nil, 10007}, {"PATCH", w + "/settings", form{}, 10007},
			{"GET", w + "/subdomain", nil, 10007}, {"POST", w + "/subdomain", "{}", 10007},
			{"GET", w + "/secrets", nil, 10007}, {"PUT", w + "/secrets", "{}", 10007},
			{"DELETE", w + "/secrets/S", nil, 10007},
		} {
			c.refused(tt.method, tt.path, tt.body, 404, tt.code, "")
		}
	}
}

func TestCloud_Lookups(t *testing.T) {
	c := serve(t, &cloudflare.Cloud{})
	for _, path := range []string{"/user/tokens/verify", acct + "/tokens/verify"} {
		res := c.do("GET", path, nil)
		if dig(res.Result, "status") != "active" || len(res.Messages) != 1 || res.Messages[0].Code != 10000 {
			t.Errorf("%s: %s", path, res.body)
		}
	}
	if got := c.must("GET", acct, nil)["id"]; got != cloudflare.DefaultAccountID {
		t.Errorf("the account is %v", got)
	}
	if got := c.must("GET", "/user", nil)["email"]; got == "" {
		t.Error("the user has no address")
	}
	res := c.do("GET", "/accounts", nil)
	if ids := names(res.Result, "id"); len(ids) != 1 || ids[0] != cloudflare.DefaultAccountID || res.Info.TotalCount != 1 {
		t.Errorf("the accounts are %s", res.body)
	}
	res = c.do("GET", "/memberships?page=1&per_page=50", nil)
	if got := dig(res.Result.([]any)[0], "account", "id"); got != cloudflare.DefaultAccountID {
		t.Errorf("the memberships are %s", res.body)
	}
	c.refused("GET", "/accounts?page=0", nil, 400, 8000024, "per_page")

	own := serve(t, &cloudflare.Cloud{AccountID: strings.Repeat("9", 32)})
	if got := own.must("GET", "/accounts/"+strings.Repeat("9", 32), nil)["id"]; got != strings.Repeat("9", 32) {
		t.Errorf("an account of one's own is %v", got)
	}
}

func TestCloud_RateLimit(t *testing.T) {
	now := morning
	c := serve(t, &cloudflare.Cloud{RateLimit: 3, RateWindow: time.Minute, Now: func() time.Time { return now }})
	get := func(after time.Duration) response {
		t.Helper()
		now = now.Add(after)
		return c.do("GET", pages, nil)
	}
	for i := range 3 {
		res := get(10 * time.Second)
		if want := fmt.Sprintf(`"default";r=%d;t=%d`, 2-i, 60-10*i); res.status != 200 || res.header.Get("Ratelimit") != want {
			t.Errorf("call %d: %d %v, want %s", i, res.status, res.header, want)
		}
		if got := res.header.Get("Ratelimit-Policy"); got != `"default";q=3;w=60` {
			t.Errorf("the policy is %s", got)
		}
	}
	for _, tt := range []struct {
		after time.Duration
		wait  string
	}{{0, "60"}, {500 * time.Millisecond, "60"}, {500 * time.Millisecond, "59"}, {58 * time.Second, "1"}} {
		res := get(tt.after)
		if res.status != 429 || res.header.Get("Retry-After") != tt.wait || res.Errors[0].Code != 971 {
			t.Errorf("after %v: %d, retry after %q, want %s", tt.after, res.status, res.header.Get("Retry-After"), tt.wait)
		}
	}
	for range 3 {
		if res := get(time.Second); res.status != 200 {
			t.Errorf("past the wait: %d", res.status)
		}
	}
	// Calls that are spread out are never too many.
	now = now.Add(time.Minute)
	for range 20 {
		if res := get(30 * time.Second); res.status != 200 {
			t.Errorf("spread out: %d", res.status)
		}
	}
	// Who has no token counts for nobody.
	c.head = nil
	for range 5 {
		get(0)
	}
	c.head = http.Header{"Authorization": {"Bearer " + token}}
	if res := get(time.Minute); res.status != 200 {
		t.Errorf("after another's calls: %d", res.status)
	}
}

func TestCloud_File(t *testing.T) {
	file := filepath.Join(t.TempDir(), "cloud.json")
	c := serve(t, &cloudflare.Cloud{File: file})
	c.worker("api", `{"type":"secret_text","name":"KEY","text":"hunter2"}`)
	c.project("site")
	c.must("PATCH", pages+"/site", `{"deployment_configs":{"production":{
		"services":{"API":{"service":"api","environment":"production"}},
		"env_vars":{"S":{"type":"secret_text","value":"hunter3"},"V":{"type":"plain_text","value":"v"}}}}}`)
	if _, err := c.cloud.AddDeployment("site", ""); err != nil {
		t.Fatal(err)
	}
	c.must("POST", pages+"/site/domains", `{"name":"www.example.com"}`)

	again := serve(t, &cloudflare.Cloud{File: file})
	if err := again.cloud.Load(); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{
		pages, pages + "/site", pages + "/site/deployments", pages + "/site/domains",
		wrk, wrk + "/api/settings", wrk + "/api/secrets", acct + "/workers/services/api",
	} {
		if before, after := c.do("GET", path, nil).body, again.do("GET", path, nil).body; before != after {
			t.Errorf("%s was\n%s\nand is\n%s", path, before, after)
		}
	}
	if p := again.cloud.Projects()[0]; !p.Production.Secrets["S"].Is("hunter3") || p.Production.Secrets["S"].Is("hunter2") {
		t.Errorf("the project's secret is not the one that was stored: %v", p.Production.Secrets)
	}
	if w := again.cloud.Scripts()[0]; !w.Secrets["KEY"].Is("hunter2") || w.Modules["worker.js"] != code {
		t.Errorf("the Worker is not the one that was stored: %+v", w)
	}
	again.must("DELETE", pages+"/site/domains/www.example.com", nil)
	again.must("DELETE", pages+"/site", nil)
	again.must("DELETE", wrk+"/api", nil)
	third := serve(t, &cloudflare.Cloud{File: file})
	if p, w := third.cloud.Projects(), third.cloud.Scripts(); len(p)+len(w) != 0 {
		t.Errorf("there are left %v and %v", p, w)
	}
}

func TestCloud_FileBroken(t *testing.T) {
	file := filepath.Join(t.TempDir(), "cloud.json")
	if err := os.WriteFile(file, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := serve(t, &cloudflare.Cloud{File: file})
	if err := c.cloud.Load(); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("loading it says %v", err)
	}
	c.refused("GET", pages, nil, 500, 10013, file)
	if _, err := c.cloud.AddDeployment("site", ""); err == nil {
		t.Error("a deployment was added")
	}
}

func TestCloud_FileNotWritten(t *testing.T) {
	c := serve(t, &cloudflare.Cloud{File: filepath.Join(t.TempDir(), "no", "such", "folder.json")})
	c.refused("POST", pages, `{"name":"site","production_branch":"main"}`, 500, 10013, "saving the state")
	c.refused("GET", pages+"/site", nil, 404, 8000007, "")
}

// No secret is in any answer, nor in the file.
func TestCloud_Secrets(t *testing.T) {
	file := filepath.Join(t.TempDir(), "cloud.json")
	c := serve(t, &cloudflare.Cloud{File: file})
	const secret = "p4ssw0rd-that-nobody-may-see"
	plain := `{"type":"secret_text","name":"A","text":"` + secret + `-1"}`
	c.worker("api", plain)
	c.worker("api", plain, `{"type":"secret_key","name":"K","algorithm":{"name":"HMAC"},"format":"raw","usages":["sign"],"key_base64":"`+secret+`-2"}`)
	c.worker("api", `{"type":"inherit","name":"A"}`)
	c.worker("api", `{"type":"inherit","name":"B","old_name":"A"}`)
	c.must("PUT", wrk+"/api/secrets", `{"type":"secret_text","name":"C","text":"`+secret+`-3"}`)
	c.must("PATCH", wrk+"/api/settings", form{{"settings", "application/json",
		`{"bindings":[{"type":"inherit","name":"B"},{"type":"secret_text","name":"D","text":"` + secret + `-4"}]}`}})
	config := `{"env_vars":{"E":{"type":"secret_text","value":"` + secret + `-5"}}}`
	c.must("POST", pages, `{"name":"site","production_branch":"main","deployment_configs":{"production":`+config+`,"preview":`+config+`}}`)
	c.must("PATCH", pages+"/site", `{"deployment_configs":{"preview":`+config+`}}`)
	for _, branch := range []string{"main", "feature"} {
		if _, err := c.cloud.AddDeployment("site", branch); err != nil {
			t.Fatal(err)
		}
	}
	// Refusals must not repeat what they were sent either.
	for _, bad := range []string{
		`{"type":"secret_text","name":"A","text":"` + secret + `","more":"` + secret + `"}`,
		`{"type":"secret_text","name":"A","text":{"` + secret + `":1}}`,
	} {
		c.do("PUT", wrk+"/api/secrets", bad)
		c.do("PUT", wrk+"/api", upload(`{"main_module":"worker.js","bindings":[`+bad+`]}`))
	}
	c.do("PATCH", pages+"/site", `{"deployment_configs":{"production":{"env_vars":{"A":{"type":"`+secret+`","value":"`+secret+`"}}}}}`)
	c.do("PATCH", pages+"/site", `{"deployment_configs":{"production":{"env_vars":{"A":"`+secret+`"}}}}`)
	c.do("PATCH", pages+"/site", `{"production_branch":"`+secret)
	for _, path := range []string{
		pages, pages + "/site", pages + "/site/deployments", wrk, wrk + "/api", wrk + "/api/content/v2",
		wrk + "/api/settings", wrk + "/api/secrets", acct + "/workers/services/api",
	} {
		c.do("GET", path, nil)
	}
	if i := strings.Index(c.seen.String(), secret); i >= 0 {
		t.Errorf("an answer holds a secret: …%s", c.seen.String()[max(0, i-200):i+40])
	}
	state, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(state), secret) {
		t.Errorf("the file holds a secret:\n%s", state)
	}
	w, p := c.cloud.Scripts()[0], c.cloud.Projects()[0]
	for _, tt := range []struct {
		name string
		kept cloudflare.Secret
		want string
	}{
		{"inherited", w.Secrets["B"], "-1"}, {"set by a PATCH", w.Secrets["D"], "-4"},
		{"in production", p.Production.Secrets["E"], "-5"}, {"in preview", p.Preview.Secrets["E"], "-5"},
	} {
		if !tt.kept.Is(secret+tt.want) || tt.kept.Is(secret) || tt.kept.Is("") {
			t.Errorf("the secret that was %s is not kept", tt.name)
		}
	}
	if a, b := p.Production.Secrets["E"], p.Preview.Secrets["E"]; a == b {
		t.Error("two secrets of the same value can be told to be equal")
	}
	if cloudflare.Secret("").Is("") {
		t.Error("a secret that is not there is the empty one")
	}
}

func TestCloud_Concurrent(t *testing.T) {
	c := serve(t, &cloudflare.Cloud{File: filepath.Join(t.TempDir(), "cloud.json")})
	c.worker("api")
	c.project("shared")
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			name := fmt.Sprintf("own-%d", i)
			c.do("POST", pages, map[string]any{"name": name, "production_branch": "main"})
			c.do("PATCH", pages+"/shared", fmt.Sprintf(
				`{"deployment_configs":{"production":{"services":{"S%d":{"service":"api"}}}}}`, i))
			c.do("PUT", wrk+"/"+name, upload(`{"main_module":"worker.js"}`))
			if _, err := c.cloud.AddDeployment("shared", ""); err != nil {
				t.Error(err)
			}
			c.do("GET", pages+"/shared", nil)
			c.cloud.Projects()
			c.cloud.Scripts()
			c.do("DELETE", pages+"/"+name, nil)
		})
	}
	wg.Wait()
	p := c.cloud.Projects()
	if len(p) != 1 || len(p[0].Production.Services) != 8 || len(p[0].Deployments) != 8 {
		t.Errorf("there are %d projects, %+v", len(p), p)
	}
	if got := len(c.cloud.Scripts()); got != 9 {
		t.Errorf("there are %d Workers", got)
	}
}
