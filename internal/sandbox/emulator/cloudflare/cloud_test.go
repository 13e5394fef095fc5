package cloudflare_test

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"portfolio-infra/internal/sandbox/emulator/cloudflare"
	"portfolio-infra/internal/testcheck"
	"portfolio-infra/internal/testfiles"
)

func TestCloud_RateLimit(t *testing.T) {
	now := morning
	c := newClient(t, &cloudflare.Cloud{Now: func() time.Time { return now }})
	get := func(after time.Duration, status int, name, want string) {
		t.Helper()
		now = now.Add(after)
		if res := c.do("GET", projects, nil); res.status != status || res.header.Get(name) != want {
			t.Errorf("%d %s: %s, want %d %s", res.status, name, res.header.Get(name), status, want)
		}
	}
	get(0, 200, "Ratelimit", `"default";r=1199;t=300`)
	for range 1198 {
		c.do("GET", projects, nil)
	}
	get(10*time.Second, 200, "Ratelimit", `"default";r=0;t=290`)
	get(0, 429, "Retry-After", "300")
	get(299*time.Second, 429, "Retry-After", "1")
	c.header = nil
	for range 5 { // calls without a token do not count
		get(time.Second, 400, "Ratelimit", "")
	}
	c.header = http.Header{"Authorization": {"Bearer " + token}}
	get(time.Second, 200, "Ratelimit-Policy", `"default";q=1200;w=300`)
}

func TestCloud_File(t *testing.T) {
	file := filepath.Join(t.TempDir(), "cloud.json")
	c := newClient(t, &cloudflare.Cloud{File: file})
	c.worker("api", `{"type":"secret_text","name":"KEY","text":"hunter2"}`)
	c.project("site")
	c.must("PATCH", projects+"/site", `{"deployment_configs":{"production":{
		"services":{"API":{"service":"api","environment":"production"}},
		"env_vars":{"S":{"type":"secret_text","value":"hunter3"},"V":{"type":"plain_text","value":"v"}}}}}`)
	c.deploy("")

	again := newClient(t, &cloudflare.Cloud{File: file})
	if err := again.cloud.Load(); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{
		projects, projects + "/site", projects + "/site/deployments",
		scripts + "/api/settings", scripts + "/api/secrets", services + "/api",
	} {
		if before, after := c.do("GET", path, nil).body, again.do("GET", path, nil).body; before != after {
			t.Errorf("%s was\n%s\nand is\n%s", path, before, after)
		}
	}
	if p := again.cloud.Projects()[0]; !p.Production.Secrets["S"].Is("hunter3") || p.Production.Secrets["S"].Is("hunter2") {
		t.Errorf("the project's secrets are %v", p.Production.Secrets)
	}
	if w := again.cloud.Scripts()[0]; !w.Secrets["KEY"].Is("hunter2") || w.Module("worker.js") != code {
		t.Errorf("the Worker is %+v", w)
	}
	again.must("DELETE", projects+"/site", nil)
	again.must("DELETE", scripts+"/api", nil)
	third := newClient(t, &cloudflare.Cloud{File: file})
	if p, w := third.cloud.Projects(), third.cloud.Scripts(); len(p)+len(w) != 0 {
		t.Errorf("there are %v and %v", p, w)
	}
}

func TestCloud_File_broken(t *testing.T) {
	file := filepath.Join(testfiles.Folder(t, map[string]string{"cloud.json": "{"}), "cloud.json")
	c := newClient(t, &cloudflare.Cloud{File: file})
	testcheck.Error(t, c.cloud.Load(), file)
	c.refused("GET", projects, nil, 500, 10013, file)
	if _, err := c.cloud.AddDeployment("site", ""); err == nil {
		t.Error("a deployment was added")
	}

	c = newClient(t, &cloudflare.Cloud{File: filepath.Join(t.TempDir(), "no", "cloud.json")})
	c.refused("POST", projects, `{"name":"site","production_branch":"main"}`, 500, 10013, "saving the state")
	c.refused("GET", projects+"/site", nil, 404, 8000007, "")
}

// No secret is in an answer or in the file.
func TestCloud_secrets(t *testing.T) {
	file := filepath.Join(t.TempDir(), "cloud.json")
	c := newClient(t, &cloudflare.Cloud{File: file})
	const secret = "p4ssw0rd-that-nobody-may-see"
	secretText := func(name, suffix string) string {
		return `{"type":"secret_text","name":"` + name + `","text":"` + secret + suffix + `"}`
	}
	api := scripts + "/api"
	c.worker("api", secretText("A", "-1"))
	c.worker("api", `{"type":"inherit","name":"A"}`)
	c.must("PUT", api+"/secrets", secretText("C", ""))
	c.must("PATCH", api+"/settings", form(part("settings", "application/json",
		`{"bindings":[{"type":"inherit","name":"A"},`+secretText("D", "-2")+`]}`)))
	config := func(suffix string) string {
		return `{"env_vars":{"E":{"type":"secret_text","value":"` + secret + suffix + `"}}}`
	}
	c.must("POST", projects, `{"name":"site","production_branch":"main","deployment_configs":{"production":`+config("-3")+`}}`)
	c.must("PATCH", projects+"/site", `{"deployment_configs":{"preview":`+config("-3")+`}}`)
	c.deploy("main")
	c.deploy("feature")
	// A refusal must not repeat what it refuses.
	for _, bad := range []string{
		`{"type":"secret_text","name":"A","text":"` + secret + `","more":"` + secret + `"}`,
		`{"type":"secret_text","name":"A","text":{"` + secret + `":1}}`,
	} {
		c.do("PUT", api+"/secrets", bad)
		c.do("PUT", api, upload(`{"main_module":"worker.js","bindings":[`+bad+`]}`))
	}
	for _, bad := range []string{
		`{"deployment_configs":{"production":{"env_vars":{"A":{"type":"` + secret + `","value":"` + secret + `"}}}}}`,
		`{"deployment_configs":{"production":{"env_vars":{"A":"` + secret + `"}}}}`,
		`{"production_branch":"` + secret,
	} {
		c.do("PATCH", projects+"/site", bad)
	}
	for _, path := range []string{
		projects, projects + "/site", projects + "/site/deployments",
		api, api + "/content/v2", api + "/settings", api + "/secrets", services + "/api",
		api + "/deployments",
	} {
		c.do("GET", path, nil)
	}
	if i := strings.Index(c.received.String(), secret); i >= 0 {
		t.Errorf("an answer has a secret: …%s", c.received.String()[max(0, i-200):i+40])
	}
	testfiles.Lack(t, filepath.Dir(file), secret)
	p := c.cloud.Projects()[0]
	if p.Production.Secrets["E"] == p.Preview.Secrets["E"] {
		t.Error("secrets of equal value look equal")
	}
	if !p.Preview.Secrets["E"].Is(secret+"-3") || cloudflare.Secret("").Is("") {
		t.Error("the secret is not kept, or no secret is the empty one")
	}
}

func TestCloud_concurrent(t *testing.T) {
	c := newClient(t, &cloudflare.Cloud{File: filepath.Join(t.TempDir(), "cloud.json")})
	c.worker("api")
	c.project("site")
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			name := fmt.Sprintf("own-%d", i)
			c.do("POST", projects, map[string]any{"name": name, "production_branch": "main"})
			c.do("PATCH", projects+"/site", fmt.Sprintf(`{"deployment_configs":{"production":{"services":{"S%d":{"service":"api"}}}}}`, i))
			c.do("PUT", scripts+"/"+name, upload(`{"main_module":"worker.js"}`))
			c.deploy("")
			c.everything()
			c.do("DELETE", projects+"/"+name, nil)
		})
	}
	wg.Wait()
	p, s := c.cloud.Projects(), c.cloud.Scripts()
	deployments := c.get(projects + "/site/deployments").([]any)
	if len(p) != 1 || len(p[0].Production.Services) != 8 || len(deployments) != 8 || len(s) != 9 {
		t.Errorf("there are %d deployments, %+v, %+v", len(deployments), p, s)
	}
}
