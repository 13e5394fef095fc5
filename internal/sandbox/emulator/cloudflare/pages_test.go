package cloudflare_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"portfolio-infra/internal/sandbox/emulator/cloudflare"
)

const newConfig = `{
	"always_use_latest_compatibility_date": false, "build_image_major_version": 3,
	"compatibility_date": "2026-03-04", "compatibility_flags": [], "env_vars": null,
	"fail_open": true, "usage_model": "standard"
}`

var uuid = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

func TestProject_New(t *testing.T) {
	c := serve(t, &cloudflare.Cloud{})
	p := c.project("site")
	if id := p["id"].(string); !uuid.MatchString(id) {
		t.Errorf("the id is %s", id)
	}
	delete(p, "id")
	same(t, "a new project", any(p), `{
		"name": "site", "subdomain": "site.pages.dev", "domains": ["site.pages.dev"],
		"build_config": {"web_analytics_tag": null, "web_analytics_token": null},
		"deployment_configs": {"production": `+newConfig+`, "preview": `+newConfig+`},
		"latest_deployment": null, "canonical_deployment": null,
		"created_on": "2026-03-04T05:06:07.00089Z", "production_branch": "main",
		"production_script_name": "pages-worker--1-production", "preview_script_name": "pages-worker--1-preview",
		"uses_functions": false, "framework": "", "framework_version": ""
	}`)
	got := c.must("GET", pages+"/site", nil)
	delete(got, "id")
	if !reflect.DeepEqual(got, p) {
		t.Errorf("it is read as %v", got)
	}
	c.refused("POST", pages, `{"name":"site","production_branch":"x"}`, 409, 8000002, "already exists")
	c.must("DELETE", pages+"/site", nil)
	c.refused("DELETE", pages+"/site", nil, 404, 8000007, "Project not found")
	c.project("site")
}

func TestProject_NewWithAll(t *testing.T) {
	c := serve(t, &cloudflare.Cloud{})
	c.worker("api")
	p := c.must("POST", pages, `{
		"name": "site", "production_branch": "main",
		"build_config": {"build_command": "make"},
		"source": {"type": "github", "config": {"owner": "o", "repo_name": "r", "production_branch": "main"}},
		"deployment_configs": {"preview": {"services": {"API": {"service": "api"}}, "limits": {"cpu_ms": 5}, "fail_open": false}}
	}`)
	same(t, "its build_config", p["build_config"],
		`{"build_command": "make", "web_analytics_tag": null, "web_analytics_token": null}`)
	same(t, "its source", p["source"],
		`{"type": "github", "config": {"owner": "o", "repo_name": "r", "production_branch": "main"}}`)
	same(t, "production", dig(p, "deployment_configs", "production"), newConfig)
	same(t, "its service", dig(p, "deployment_configs", "preview", "services"), `{"API": {"service": "api"}}`)
	if dig(p, "deployment_configs", "preview", "fail_open") != false {
		t.Error("a default has won over what was sent")
	}
}

func TestProject_NewRefused(t *testing.T) {
	c := serve(t, &cloudflare.Cloud{})
	c.worker("api")
	const must = `"name":"site","production_branch":"main"`
	for body, words := range map[string]string{
		``:                                       "Malformed",
		`null`:                                   "Malformed",
		`[]`:                                     "Malformed",
		`{` + must + `} {}`:                      "more than one",
		`{"name":"site"}`:                        "production_branch: is missing",
		`{"production_branch":"main"}`:           "name: is missing",
		`{"name":"site","production_branch":""}`: "production_branch: must not be empty",
		`{"name":"site","production_branch":null}`:                                                 "production_branch: must be a string",
		`{` + must + `,"deployment_configs":{"preview":{"services":[]}}}`:                          "services: must be an object",
		`{` + must + `,"colour":"red"}`:                                                            "colour: is not a field",
		`{` + must + `,"build_config":{"x":1}}`:                                                    "build_config: x: is not a field",
		`{` + must + `,"source":{"type":"svn"}}`:                                                   "source: type: must be one of",
		`{` + must + `,"deployment_configs":{"staging":{}}}`:                                       "deployment_configs: staging",
		`{` + must + `,"deployment_configs":null}`:                                                 "deployment_configs: must be an object",
		`{` + must + `,"deployment_configs":{"preview":{"x":1}}}`:                                  "deployment_configs: preview: x",
		`{` + must + `,"deployment_configs":{"preview":{"fail_open":"yes"}}}`:                      "true or false",
		`{` + must + `,"deployment_configs":{"preview":{"limits":{"cpu_ms":1.5}}}}`:                "whole number",
		`{` + must + `,"deployment_configs":{"preview":{"compatibility_date":"today"}}}`:           "yyyy-mm-dd",
		`{` + must + `,"deployment_configs":{"preview":{"compatibility_flags":[1]}}}`:              "compatibility_flags: 0",
		`{` + must + `,"deployment_configs":{"preview":{"services":{"API":{"name":"api"}}}}}`:      "services: API: name",
		`{` + must + `,"deployment_configs":{"preview":{"services":{"A-B":{"service":"api"}}}}}`:   `"A-B" is not a name`,
		`{` + must + `,"deployment_configs":{"preview":{"services":{"API":"api"}}}}`:               "must be an object",
		`{` + must + `,"deployment_configs":{"preview":{"env_vars":{"V":{"value":"v"}}}}}`:         "V: type: is missing",
		`{` + must + `,"deployment_configs":{"preview":{"env_vars":{"V":{"type":"plain_text"}}}}}`: "V: value: is missing",
		`{` + must + `,"deployment_configs":{"preview":{"kv_namespaces":{"KV":{"id":"x"}}}}}`:      "KV: namespace_id: is missing",
	} {
		code := 8009999
		if strings.HasPrefix(words, "Malformed") || words == "more than one" {
			code = 6007
		}
		c.refused("POST", pages, body, 400, code, words)
	}
	for _, name := range []string{"", "-a", "a-", "A", "a_b", "a.b", "ä", strings.Repeat("a", 59), "a b", "a/b"} {
		c.refused("POST", pages, map[string]any{"name": name, "production_branch": "main"}, 400, 8009999, "name: at most 58")
	}
	for _, name := range []string{"a", "0", "a-b", strings.Repeat("a", 58)} {
		c.project(name)
	}
}

func TestProject_SubdomainTaken(t *testing.T) {
	c := serve(t, &cloudflare.Cloud{Taken: []string{"site"}})
	suffixed := regexp.MustCompile(`^site-[0-9a-f]{3}\.pages\.dev$`)
	if got := c.project("site")["subdomain"].(string); !suffixed.MatchString(got) {
		t.Errorf("the subdomain is %s", got)
	}
	if got := c.project("www")["subdomain"]; got != "www.pages.dev" {
		t.Errorf("the subdomain is %s", got)
	}
	usual := serve(t, &cloudflare.Cloud{})
	if got := usual.project("www")["subdomain"]; got == "www.pages.dev" {
		t.Error("www is nobody's")
	}
}

func TestProject_List(t *testing.T) {
	c := serve(t, &cloudflare.Cloud{})
	for i := range 12 {
		c.project(fmt.Sprintf("p-%02d", i))
	}
	for _, tt := range []struct {
		query                   string
		page, size, count, last int
	}{
		{"", 1, 10, 10, 9}, {"?page=2", 2, 10, 2, 11}, {"?per_page=5&page=3", 3, 5, 2, 11}, {"?page=9", 9, 10, 0, 0},
	} {
		res := c.do("GET", pages+tt.query, nil)
		i, got := res.Info, names(res.Result, "name")
		if i.Page != tt.page || i.PerPage != tt.size || i.Count != tt.count || i.TotalCount != 12 ||
			i.TotalPages != (12+tt.size-1)/tt.size || len(got) != tt.count {
			t.Errorf("%s: %+v, %v", tt.query, i, got)
		}
		if tt.count > 0 && got[tt.count-1] != fmt.Sprintf("p-%02d", tt.last) {
			t.Errorf("%s: %v", tt.query, got)
		}
	}
	for _, query := range []string{"?page=0", "?page=x", "?per_page=0", "?per_page=11", "?per_page=100", "?page=-1"} {
		c.refused("GET", pages+query, nil, 400, 8000024, "Invalid list options provided")
	}
	empty := serve(t, &cloudflare.Cloud{})
	if res := empty.do("GET", pages, nil); len(res.Result.([]any)) != 0 || res.Info.TotalPages != 0 {
		t.Errorf("an empty list is %s", res.body)
	}
}

func TestProject_Patch(t *testing.T) {
	const (
		both = `{"deployment_configs":{"production":%[1]s,"preview":%[1]s}}`
		prod = `{"deployment_configs":{"production":%s}}`
	)
	for _, tt := range []struct {
		name string
		// patches come after another; want is production's part that key names.
		patches []string
		key     string
		want    string
	}{
		{"one is added", []string{
			fmt.Sprintf(prod, `{"services":{"A":{"service":"api"}}}`),
			fmt.Sprintf(prod, `{"services":{"B":{"service":"api","environment":"production"}}}`),
		}, "services", `{"A":{"service":"api"},"B":{"service":"api","environment":"production"}}`},
		{"one is replaced whole", []string{
			fmt.Sprintf(prod, `{"services":{"A":{"service":"api","environment":"production","entrypoint":"E"}}}`),
			fmt.Sprintf(prod, `{"services":{"A":{"service":"other"}}}`),
		}, "services", `{"A":{"service":"other"}}`},
		{"one is deleted", []string{
			fmt.Sprintf(both, `{"services":{"A":{"service":"api"},"B":{"service":"api"}}}`),
			fmt.Sprintf(prod, `{"services":{"A":null}}`),
		}, "services", `{"B":{"service":"api"}}`},
		{"the last is deleted", []string{
			fmt.Sprintf(prod, `{"services":{"A":{"service":"api"}}}`), fmt.Sprintf(prod, `{"services":{"A":null}}`),
		}, "services", `{}`},
		{"one that is not there is deleted", []string{fmt.Sprintf(prod, `{"services":{"A":null}}`)}, "services", `{}`},
		{"all are deleted", []string{
			fmt.Sprintf(prod, `{"services":{"A":{"service":"api"}}}`), fmt.Sprintf(prod, `{"services":null}`),
		}, "services", `null`},
		{"an empty map changes nothing", []string{
			fmt.Sprintf(prod, `{"services":{"A":{"service":"api"}}}`), fmt.Sprintf(prod, `{"services":{}}`),
		}, "services", `{"A":{"service":"api"}}`},
		{"an environment that is null", []string{
			fmt.Sprintf(prod, `{"services":{"A":{"service":"api","environment":null}}}`),
		}, "services", `{"A":{"service":"api","environment":null}}`},
		{"a default comes back", []string{
			fmt.Sprintf(prod, `{"compatibility_date":"2025-01-01"}`), fmt.Sprintf(prod, `{"compatibility_date":null}`),
		}, "compatibility_date", `"2026-03-04"`},
		{"a list is replaced", []string{
			fmt.Sprintf(prod, `{"compatibility_flags":["a","b"]}`), fmt.Sprintf(prod, `{"compatibility_flags":["c"]}`),
		}, "compatibility_flags", `["c"]`},
		{"limits", []string{
			fmt.Sprintf(prod, `{"limits":{"cpu_ms":5}}`), fmt.Sprintf(prod, `{"limits":{"cpu_ms":null}}`),
		}, "limits", `{}`},
		{"a variable", []string{
			fmt.Sprintf(prod, `{"env_vars":{"V":{"type":"plain_text","value":"1"},"S":{"type":"secret_text","value":"2"}}}`),
			fmt.Sprintf(prod, `{"env_vars":{"V":{"type":"plain_text","value":"3"}}}`),
		}, "env_vars", `{"V":{"type":"plain_text","value":"3"},"S":{"type":"secret_text","value":""}}`},
		{"a variable becomes a secret", []string{
			fmt.Sprintf(prod, `{"env_vars":{"V":{"type":"plain_text","value":"1"}}}`),
			fmt.Sprintf(prod, `{"env_vars":{"V":{"type":"secret_text","value":"1"}}}`),
		}, "env_vars", `{"V":{"type":"secret_text","value":""}}`},
		{"the hash is stored", []string{fmt.Sprintf(prod, `{"wrangler_config_hash":"h1"}`)}, "wrangler_config_hash", `"h1"`},
		{"the hash is replaced", []string{
			fmt.Sprintf(prod, `{"wrangler_config_hash":"h1"}`), fmt.Sprintf(prod, `{"wrangler_config_hash":"h2"}`),
		}, "wrangler_config_hash", `"h2"`},
		{"the hash stays", []string{
			fmt.Sprintf(prod, `{"wrangler_config_hash":"h1"}`), fmt.Sprintf(prod, `{"services":{"A":{"service":"api"}}}`),
		}, "wrangler_config_hash", `"h1"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := serve(t, &cloudflare.Cloud{})
			c.worker("api")
			c.worker("other")
			c.project("site")
			var answer map[string]any
			for i, patch := range tt.patches {
				answer = c.must("PATCH", pages+"/site", patch)
				preview := dig(answer, "deployment_configs", "preview")
				if !strings.Contains(tt.patches[0], "preview") {
					same(t, "preview", preview, newConfig)
				} else if i > 0 {
					same(t, "preview's services", dig(preview, "services"), `{"A":{"service":"api"},"B":{"service":"api"}}`)
				}
			}
			same(t, tt.key, dig(answer, "deployment_configs", "production", tt.key), tt.want)
			if read := c.must("GET", pages+"/site", nil); !reflect.DeepEqual(read, answer) {
				t.Errorf("the answer was\n%v\nand is read as\n%v", answer, read)
			}
		})
	}
}

func TestProject_PatchRest(t *testing.T) {
	c := serve(t, &cloudflare.Cloud{})
	c.project("site")
	c.must("PATCH", pages+"/site", `{"name":"site","production_branch":"trunk","build_config":{"build_command":"make","root_dir":"x"}}`)
	p := c.must("PATCH", pages+"/site", `{"build_config":{"root_dir":null,"destination_dir":"dist"}}`)
	same(t, "build_config", p["build_config"],
		`{"build_command":"make","destination_dir":"dist","web_analytics_tag":null,"web_analytics_token":null}`)
	if p["production_branch"] != "trunk" {
		t.Errorf("the branch is %v", p["production_branch"])
	}
	p = c.must("PATCH", pages+"/site", `{"build_config":null}`)
	same(t, "build_config", p["build_config"], `{"web_analytics_tag":null,"web_analytics_token":null}`)
	if p := c.must("PATCH", pages+"/site", `{"source":{"type":"github","config":{"owner":"o"}}}`); p["source"] == nil {
		t.Error("there is no source")
	}
	p = c.must("PATCH", pages+"/site", `{"source":{"config":{"repo_name":"r"}}}`)
	same(t, "source", p["source"], `{"type":"github","config":{"owner":"o","repo_name":"r"}}`)
	c.refused("PATCH", pages+"/site", `{"name":"other"}`, 400, 8009999, "cannot be renamed")
	c.refused("PATCH", pages+"/site", `{"deployment_configs":{"production":null}}`, 400, 8009999, "must be an object")
	c.refused("PATCH", pages+"/site", `{"subdomain":"x"}`, 400, 8009999, "subdomain")
}

// A service binding is refused in the words by which clients know it, as a
// whole: what else the PATCH held is not done either.
func TestProject_PatchService(t *testing.T) {
	c := serve(t, &cloudflare.Cloud{})
	c.worker("api")
	c.project("site")
	for binding, name := range map[string]string{
		`{}`: "", `{"environment":"production"}`: "", `{"service":""}`: "", `{"service":null}`: "",
		`{"service":"nobody","environment":"production"}`: "nobody",
	} {
		body := `{"production_branch":"trunk","deployment_configs":{
			"preview":{"services":{"API":{"service":"api"}}},"production":{"services":{"API":` + binding + `}}}}`
		c.refused("PATCH", pages+"/site", body, 400, 8000022,
			"Invalid Service name ("+name+"). Check your Service name and try again.")
		c.refused("POST", pages, `{"name":"new",`+body[1:], 400, 8000022, "Invalid Service name ("+name+")")
	}
	// A binding whose Worker has gone stays, until somebody writes it again.
	const bind = `{"deployment_configs":{"production":{"services":{"API":{"service":"api"}}}}}`
	c.must("PATCH", pages+"/site", bind)
	c.must("DELETE", wrk+"/api", nil)
	p := c.must("PATCH", pages+"/site", `{"deployment_configs":{"production":{"fail_open":false}}}`)
	same(t, "services", dig(p, "deployment_configs", "production", "services"), `{"API":{"service":"api"}}`)
	c.refused("PATCH", pages+"/site", bind, 400, 8000022, "Invalid Service name (api)")
	c.must("PATCH", pages+"/site", `{"deployment_configs":{"production":{"services":{"API":null}}}}`)
}

// Whatever PATCHes come in whatever order, a config holds for each name what
// was last said of it, whole, and nothing else.
func TestProject_PatchProperty(t *testing.T) {
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 0))
		c := serve(t, &cloudflare.Cloud{})
		c.worker("api")
		c.worker("other")
		c.project("site")
		pick := func(from ...string) string { return from[random.IntN(len(from))] }
		maker := map[string]func() any{
			"services": func() any {
				b := map[string]any{"service": pick("api", "other")}
				if random.IntN(2) == 0 {
					b["environment"] = pick("production", "staging")
				}
				return b
			},
			"env_vars":      func() any { return map[string]any{"type": "plain_text", "value": pick("1", "2", "")} },
			"kv_namespaces": func() any { return map[string]any{"namespace_id": pick("x", "y")} },
			"browsers":      func() any { return map[string]any{} },
		}
		kinds := slices.Sorted(maps.Keys(maker))
		want := map[string]map[string]map[string]any{"production": {}, "preview": {}}
		for range 40 {
			configs := map[string]any{}
			for _, environment := range []string{"production", "preview"} {
				if random.IntN(3) == 0 {
					continue
				}
				config := map[string]any{}
				for _, kind := range kinds {
					switch random.IntN(6) {
					case 0:
						config[kind] = nil
						delete(want[environment], kind)
					case 1, 2, 3:
						patch := map[string]any{}
						if want[environment][kind] == nil {
							want[environment][kind] = map[string]any{}
						}
						for _, name := range []string{"A", "B", "_c1"} {
							switch random.IntN(3) {
							case 0:
								patch[name] = nil
								delete(want[environment][kind], name)
							case 1:
								patch[name] = maker[kind]()
								want[environment][kind][name] = patch[name]
							}
						}
						config[kind] = patch
					}
				}
				configs[environment] = config
			}
			p := c.must("PATCH", pages+"/site", map[string]any{"deployment_configs": configs})
			for environment, kinds := range want {
				for kind := range maker {
					got, _ := dig(p, "deployment_configs", environment, kind).(map[string]any)
					text, _ := json.Marshal(kinds[kind])
					if w, _ := value(t, string(text)).(map[string]any); !reflect.DeepEqual(got, w) {
						t.Fatalf("seed %d: %s of %s is %v, want %v", seed, kind, environment, got, w)
					}
				}
			}
		}
	}
}

func TestDeployment(t *testing.T) {
	now := morning
	c := serve(t, &cloudflare.Cloud{Now: func() time.Time { now = now.Add(time.Second); return now }})
	c.worker("api")
	c.project("site")
	if _, err := c.cloud.AddDeployment("none", ""); err == nil {
		t.Error("a project that is not there was deployed")
	}
	first, err := c.cloud.AddDeployment("site", "")
	if err != nil || first.Environment != "production" || first.Branch != "main" {
		t.Fatalf("%+v %v", first, err)
	}
	c.must("PATCH", pages+"/site", `{"deployment_configs":{"preview":{
		"compatibility_date":"2025-05-05","env_vars":{"S":{"type":"secret_text","value":"s"},"V":{"type":"plain_text","value":"v"}}}}}`)
	second, err := c.cloud.AddDeployment("site", "feature")
	if err != nil || second.Environment != "preview" {
		t.Fatalf("%+v %v", second, err)
	}
	p := c.must("GET", pages+"/site", nil)
	if dig(p, "latest_deployment", "id") != second.ID || dig(p, "canonical_deployment", "id") != first.ID || p["uses_functions"] != true {
		t.Errorf("the deployments are %v and %v", p["latest_deployment"], p["canonical_deployment"])
	}
	d := c.must("GET", pages+"/site/deployments/"+second.ID, nil)
	short := second.ID[:8]
	created := second.Created.Format(time.RFC3339Nano)
	same(t, "the deployment", any(d), `{
		"id": "`+second.ID+`", "short_id": "`+short+`", "project_id": "`+p["id"].(string)+`", "project_name": "site",
		"environment": "preview", "url": "https://`+short+`.site.pages.dev",
		"created_on": "`+created+`", "modified_on": "`+created+`",
		"latest_stage": {"name": "deploy", "started_on": null, "ended_on": "`+created+`", "status": "success"},
		"stages": [
			{"name": "queued", "started_on": "`+created+`", "ended_on": null, "status": "active"},
			{"name": "initialize", "started_on": null, "ended_on": null, "status": "idle"},
			{"name": "clone_repo", "started_on": null, "ended_on": null, "status": "idle"},
			{"name": "build", "started_on": null, "ended_on": null, "status": "idle"},
			{"name": "deploy", "started_on": null, "ended_on": "`+created+`", "status": "success"}
		],
		"deployment_trigger": {"type": "ad_hoc", "metadata": {
			"branch": "feature", "commit_hash": "", "commit_message": "", "commit_dirty": false}},
		"build_config": {"build_command": null, "destination_dir": null, "build_caching": null, "root_dir": null,
			"web_analytics_tag": null, "web_analytics_token": null},
		"env_vars": {"S": {"type": "secret_text", "value": ""}, "V": {"type": "plain_text", "value": "v"}},
		"compatibility_date": "2025-05-05", "compatibility_flags": [], "build_image_major_version": 3,
		"usage_model": "standard", "aliases": ["https://feature.site.pages.dev"], "is_skipped": false,
		"production_branch": "main", "uses_functions": true
	}`)

	// A deployment keeps the config that it was made with; a retry takes today's.
	c.must("PATCH", pages+"/site", `{"deployment_configs":{"preview":{"env_vars":{"V":null,"S":null}}}}`)
	same(t, "env_vars", c.must("GET", pages+"/site/deployments/"+second.ID, nil)["env_vars"],
		`{"S": {"type": "secret_text", "value": ""}, "V": {"type": "plain_text", "value": "v"}}`)
	third := c.must("POST", pages+"/site/deployments/"+second.ID+"/retry", nil)
	same(t, "env_vars", third["env_vars"], `{}`)
	if third["environment"] != "preview" || third["id"] == second.ID {
		t.Errorf("the retry is %v", third)
	}
	for query, want := range map[string][]string{
		"":                     {third["id"].(string), second.ID, first.ID},
		"?env=production":      {first.ID},
		"?env=preview":         {third["id"].(string), second.ID},
		"?per_page=1&page=2":   {second.ID},
		"?per_page=25&env=":    {third["id"].(string), second.ID, first.ID},
		"?page=2&env=preview":  {},
		"?page=1&per_page=2":   {third["id"].(string), second.ID},
		"?env=preview&page=1":  {third["id"].(string), second.ID},
		"?per_page=2&page=2":   {first.ID},
		"?per_page=10&page=99": {},
	} {
		if got := names(c.do("GET", pages+"/site/deployments"+query, nil).Result, "id"); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", query, got, want)
		}
	}
	c.refused("GET", pages+"/site/deployments?per_page=26", nil, 400, 8000024, "per_page")
	c.refused("GET", pages+"/site/deployments?env=x", nil, 400, 8009999, "env")
	c.refused("GET", pages+"/site/deployments/x", nil, 404, 8000009, "deployment ID")
	c.refused("POST", pages+"/site/deployments/x/retry", nil, 404, 8000009, "deployment ID")
	if got := c.cloud.Projects()[0].Deployments; len(got) != 3 || got[2] != first {
		t.Errorf("the snapshot has %v", got)
	}
}

func TestDomain(t *testing.T) {
	c := serve(t, &cloudflare.Cloud{})
	c.project("site")
	c.project("other")
	d := c.must("POST", pages+"/site/domains", `{"name":"www.example.com"}`)
	same(t, "the domain", any(d), `{
		"id": "`+d["id"].(string)+`", "domain_id": "`+d["id"].(string)+`", "name": "www.example.com",
		"status": "initializing", "created_on": "2026-03-04T05:06:07.00089Z", "certificate_authority": "google",
		"verification_data": {"status": "pending"}, "validation_data": {"status": "initializing", "method": "http"},
		"zone_tag": ""
	}`)
	if got := c.must("GET", pages+"/site/domains/www.example.com", nil); !reflect.DeepEqual(got, d) {
		t.Errorf("it is read as %v", got)
	}
	if got := names(c.do("GET", pages+"/site/domains", nil).Result, "name"); !slices.Equal(got, []string{"www.example.com"}) {
		t.Errorf("the domains are %v", got)
	}
	same(t, "domains", c.must("GET", pages+"/site", nil)["domains"], `["site.pages.dev","www.example.com"]`)
	for _, project := range []string{"site", "other"} {
		c.refused("POST", pages+"/"+project+"/domains", `{"name":"www.example.com"}`, 400, 8000018, "already added")
	}
	for _, bad := range []string{`{}`, `{"name":"x"}`, `{"name":"x.pages.dev"}`, `{"name":"-.example.com"}`, `{"name":"a.com","b":1}`} {
		c.refused("POST", pages+"/site/domains", bad, 400, 8009999, "")
	}
	c.refused("DELETE", pages+"/site", nil, 400, 8000028, "Must delete custom domains")
	c.must("DELETE", pages+"/site/domains/www.example.com", nil)
	c.refused("DELETE", pages+"/site/domains/www.example.com", nil, 404, 8000021, "does not exist")
	c.must("DELETE", pages+"/site", nil)
}
