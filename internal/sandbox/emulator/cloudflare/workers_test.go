package cloudflare_test

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"portfolio-infra/internal/sandbox/emulator/cloudflare"
)

var hex = regexp.MustCompile(`^[0-9a-f]+$`)

// without checks that these are there, and hexadecimal, and takes them out.
func without(t *testing.T, result any, sizes map[string]int) map[string]any {
	t.Helper()
	m := result.(map[string]any)
	for key, size := range sizes {
		if s, _ := m[key].(string); len(s) != size || !hex.MatchString(s) {
			t.Errorf("%s is %v", key, m[key])
		}
		delete(m, key)
	}
	return m
}

func TestScript_Upload(t *testing.T) {
	now := morning
	c := serve(t, &cloudflare.Cloud{Now: func() time.Time { return now }})
	ids := map[string]int{"tag": 32, "deployment_id": 32, "etag": 64}
	metadata := `{
		"main_module": "worker.js", "compatibility_date": "2026-01-01", "logpush": false, "usage_model": "standard",
		"observability": {"enabled": true, "logs": {"enabled": true, "invocation_logs": true}},
		"bindings": [{"type":"plain_text","name":"STACK","text":"portfolio/dev"}]}`
	first := c.must("PUT", wrk+"/api", upload(metadata))
	tag, etag, version := first["tag"], first["etag"], first["deployment_id"]
	same(t, "the answer", any(without(t, first, ids)), `{
		"created_on": "2026-03-04T05:06:07.00089Z", "modified_on": "2026-03-04T05:06:07.00089Z",
		"id": "api", "entry_point": "worker.js", "tags": null, "tail_consumers": null, "logpush": false,
		"observability": {"enabled": true, "logs": {
			"enabled": true, "invocation_logs": true, "head_sampling_rate": null, "persist": null}},
		"has_assets": false, "has_modules": true, "handlers": ["fetch"], "last_deployed_from": "api",
		"compatibility_date": "2026-01-01", "usage_model": "standard", "startup_time_ms": 2
	}`)

	service := c.must("GET", acct+"/workers/services/api", nil)
	if got := without(t, dig(service, "default_environment", "script"), ids); !reflect.DeepEqual(got, first) {
		t.Errorf("the service's script is\n%v\nthe upload answered\n%v", got, first)
	}
	if dig(service, "default_environment", "environment") != "production" || service["id"] != "api" {
		t.Errorf("the service is %v", service)
	}
	same(t, "the settings", any(c.must("GET", wrk+"/api/settings", nil)), `{
		"bindings": [{"type": "plain_text", "name": "STACK", "text": "portfolio/dev"}],
		"observability": {"enabled": true, "logs": {"enabled": true, "invocation_logs": true}},
		"compatibility_date": "2026-01-01", "compatibility_flags": [], "logpush": false, "placement": {},
		"tags": [], "tail_consumers": [], "usage_model": "standard", "annotations": {"workers/triggered_by": "upload"}
	}`)
	list := c.do("GET", wrk, nil)
	item := without(t, list.Result.([]any)[0], map[string]int{"tag": 32, "etag": 64})
	if item["id"] != "api" || item["deployment_id"] != "" || item["startup_time_ms"] != nil || list.Info != nil {
		t.Errorf("the list is %s", list.body)
	}

	// The same again changes nothing but the time and the version.
	now = now.Add(time.Hour)
	again := c.must("PUT", wrk+"/api", upload(metadata))
	if again["tag"] != tag || again["etag"] != etag || again["created_on"] != first["created_on"] ||
		again["deployment_id"] == version || again["modified_on"] == first["modified_on"] {
		t.Errorf("the second answer is %v", again)
	}
	// What an upload does not say is not kept from the one before.
	now = now.Add(time.Hour)
	bare := c.must("PUT", wrk+"/api", form{
		{"metadata", "application/json", `{"main_module":"x.mjs"}`}, {"x.mjs", "text/javascript+module", "export default {}"},
	})
	if bare["etag"] == etag || bare["observability"] != nil || bare["compatibility_date"] != nil ||
		len(bare["handlers"].([]any)) != 0 || bare["entry_point"] != "x.mjs" {
		t.Errorf("the third answer is %v", bare)
	}
	if s := c.cloud.Scripts()[0]; s.Uploads != 3 || len(s.Vars) != 0 || !s.Created.Equal(morning.Truncate(time.Microsecond)) {
		t.Errorf("the snapshot is %+v", s)
	}
	c.head.Set("User-Agent", "wrangler/4.0.0")
	if got := c.must("PUT", wrk+"/api", upload(metadata))["last_deployed_from"]; got != "wrangler" {
		t.Errorf("it was deployed from %v", got)
	}
}

func TestScript_UploadAllFields(t *testing.T) {
	c := serve(t, &cloudflare.Cloud{})
	c.worker("other")
	c.must("PUT", wrk+"/api", upload(`{
		"main_module": "worker.js", "compatibility_date": "2026-01-01", "compatibility_flags": ["nodejs_compat"],
		"logpush": true, "usage_model": "bundled", "placement": {"mode": "smart"}, "limits": {"cpu_ms": 50},
		"tags": ["a"], "tail_consumers": [{"service": "other"}], "migrations": {"new_tag": "v1", "new_classes": ["C"]},
		"keep_bindings": ["secret_text"], "keep_assets": false,
		"assets": {"config": {"html_handling": "none", "run_worker_first": ["/api/*"], "_headers": "h"}},
		"annotations": {"workers/message": "m"},
		"observability": {"enabled": true, "head_sampling_rate": 0.5, "logs": null, "traces": {"enabled": true}},
		"bindings": [
			{"name":"A","type":"ai"}, {"name":"B","type":"analytics_engine","dataset":"d"}, {"name":"C","type":"assets"},
			{"name":"D","type":"browser"}, {"name":"E","type":"d1","id":"i"}, {"name":"F","type":"hyperdrive","id":"i"},
			{"name":"G","type":"json","json":{"a":[1]}}, {"name":"H","type":"kv_namespace","namespace_id":"n"},
			{"name":"I","type":"queue","queue_name":"q"}, {"name":"J","type":"r2_bucket","bucket_name":"b"},
			{"name":"K","type":"service","service":"other","environment":"production","entrypoint":"E"},
			{"name":"L","type":"service","service":"api"}, {"name":"M","type":"version_metadata"},
			{"name":"N","type":"vectorize","index_name":"i"},
			{"name":"O","type":"durable_object_namespace","class_name":"C"}
		]}`))
	settings := c.must("GET", wrk+"/api/settings", nil)
	for key, want := range map[string]string{
		"limits": `{"cpu_ms":50}`, "placement": `{"mode":"smart"}`, "tags": `["a"]`, "usage_model": `"bundled"`,
		"compatibility_flags": `["nodejs_compat"]`, "tail_consumers": `[{"service":"other"}]`, "migrations": `null`,
		"annotations": `{"workers/message":"m","workers/triggered_by":"upload"}`, "main_module": `null`,
		"observability": `{"enabled":true,"head_sampling_rate":0.5,"logs":null,"traces":{"enabled":true}}`,
	} {
		same(t, key, settings[key], want)
	}
	if got := len(settings["bindings"].([]any)); got != 15 {
		t.Errorf("there are %d bindings", got)
	}
	if s := c.cloud.Scripts()[1]; s.Services["K"] != (cloudflare.Service{Service: "other", Environment: "production", Entrypoint: "E"}) {
		t.Errorf("the services are %v", s.Services)
	}
}

func TestScript_UploadRefused(t *testing.T) {
	c := serve(t, &cloudflare.Cloud{})
	c.worker("api", `{"type":"plain_text","name":"V","text":"v"}`)
	const main = `{"main_module":"worker.js"}`
	for name, tt := range map[string]struct {
		body  any
		code  int
		words string
	}{
		"not a form":    {main, 10001, "multipart/form-data"},
		"no boundary":   {raw{"multipart/form-data", "--x--"}, 8009999, "cannot be read"},
		"cut in a head": {raw{"multipart/form-data; boundary=x", "--x\r\nContent-Disp"}, 8009999, "cannot be read"},
		"cut in a part": {raw{"multipart/form-data; boundary=x",
			"--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\ntext"}, 8009999, "cannot be read"},
		"no metadata":   {form{{"worker.js", esModule, code}}, 8009999, "metadata is missing"},
		"two metadata":  {form{{"metadata", "application/json", main}, {"metadata", "application/json", main}}, 8009999, "two parts"},
		"no name":       {form{{"", "", main}}, 8009999, "has no name"},
		"not JSON":      {upload(`{`), 8009999, "must be a JSON object"},
		"null":          {upload(`null`), 8009999, "must be a JSON object"},
		"of other type": {form{{"metadata", "text/plain", main}, {"worker.js", esModule, code}}, 8009999, "application/json"},
		"no main":       {upload(`{}`), 8009999, "main_module or body_part"},
		"two mains":     {upload(`{"main_module":"worker.js","body_part":"worker.js"}`), 8009999, "exclude each other"},
		"main is gone":  {upload(`{"main_module":"index.js"}`), 10021, `No such module "index.js"`},
		"main is old":   {form{{"metadata", "", main}, {"worker.js", "application/javascript", code}}, 10021, "ES module"},
		"body is new":   {upload(`{"body_part":"worker.js"}`), 10021, "ES module"},
		"odd module":    {append(upload(main), part{"x", "image/png", ""}), 8009999, "x: the type"},
		"no type":       {append(upload(main), part{"x", "", ""}), 8009999, "x: the type"},
		"odd field":     {upload(`{"main_module":"worker.js","vars":{}}`), 8009999, "metadata: vars: is not a field"},
		"odd deep":      {upload(`{"main_module":"worker.js","observability":{"enabled":true,"logs":{"enabled":true,"x":1}}}`), 8009999, "observability: logs: x"},
		"no enabled":    {upload(`{"main_module":"worker.js","observability":{}}`), 8009999, "observability: enabled: is missing"},
		"bad rate":      {upload(`{"main_module":"worker.js","observability":{"enabled":true,"head_sampling_rate":2}}`), 8009999, "0 to 1"},
		"bad date":      {upload(`{"main_module":"worker.js","compatibility_date":"2026-13-01"}`), 8009999, "compatibility_date"},
		"bad usage":     {upload(`{"main_module":"worker.js","usage_model":"free"}`), 8009999, "usage_model: must be one of"},
		"bad first":     {upload(`{"main_module":"worker.js","assets":{"config":{"run_worker_first":1}}}`), 8009999, "run_worker_first"},
		"bad bindings":  {upload(`{"main_module":"worker.js","bindings":{}}`), 8009999, "bindings: must be a list"},
		"bad binding":   {upload(`{"main_module":"worker.js","bindings":["V"]}`), 8009999, "bindings: 0: must be an object"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, script := range []string{"api", "new"} {
				c.refused("PUT", wrk+"/"+script, tt.body, 400, tt.code, tt.words)
			}
		})
	}
	for name, tt := range map[string]struct {
		bindings string
		code     int
		words    string
	}{
		"no name":      {`{"type":"ai"}`, 10052, "Binding at index 0 must have a name."},
		"odd name":     {`{"name":"1A","type":"ai"}`, 10021, "binding 1A of type ai is invalid"},
		"dash":         {`{"name":"A-B","type":"ai"}`, 10021, "binding A-B of type ai is invalid"},
		"no type":      {`{"name":"A"}`, 10021, "binding A of type  is invalid"},
		"odd type":     {`{"name":"A","type":"magic"}`, 10021, "binding A of type magic is invalid"},
		"no text":      {`{"name":"A","type":"plain_text"}`, 10021, "must have a text specified"},
		"no secret":    {`{"name":"A","type":"secret_text"}`, 10021, "must have a text specified"},
		"no namespace": {`{"name":"A","type":"kv_namespace"}`, 10021, "must have a namespace_id specified"},
		"a number":     {`{"name":"A","type":"plain_text","text":1}`, 10021, "text: must be a string"},
		"odd field":    {`{"name":"A","type":"plain_text","text":"a","value":"b"}`, 10021, "value: is not a field"},
		"sealed":       {`{"name":"A","type":"secret_text","text":"a","sealed":"b"}`, 10021, "sealed: is not a field"},
		"twice":        {`{"name":"A","type":"ai"},{"name":"A","type":"plain_text","text":"a"}`, 10053, "'A' already in use"},
		"no service":   {`{"name":"A","type":"service","service":""}`, 10143, "Target script '' not found"},
		"nobody":       {`{"name":"A","type":"service","service":"nobody"}`, 10143, "service binding 'A'. Target script 'nobody' not found"},
		"nowhere":      {`{"name":"A","type":"service","service":"nobody","environment":"production"}`, 10144, "Target environment 'production' not found for target script 'nobody'"},
	} {
		t.Run("binding, "+name, func(t *testing.T) {
			body := upload(`{"main_module":"worker.js","bindings":[` + tt.bindings + `]}`)
			c.refused("PUT", wrk+"/api", body, 400, tt.code, tt.words)
			c.refused("PATCH", wrk+"/api/settings",
				form{{"settings", "application/json", `{"bindings":[` + tt.bindings + `]}`}}, 400, tt.code, tt.words)
		})
	}
	for _, name := range []string{"A", "-a", "a.b", "a%20b", "%C3%A4", strings.Repeat("a", 64)} {
		c.refused("PUT", wrk+"/"+name, upload(main), 400, 10016, "invalid_script_name")
	}
	for _, name := range []string{"a", "_a", "0-a_b", strings.Repeat("a", 63)} {
		c.worker(name)
	}
}

func TestScript_Bindings(t *testing.T) {
	c := serve(t, &cloudflare.Cloud{})
	const (
		plain  = `{"type":"plain_text","name":"V","text":"v"}`
		secret = `{"type":"secret_text","name":"S","text":"s"}`
	)
	put := func(query, bindings, more string) []string {
		t.Helper()
		c.must("PUT", wrk+"/api"+query, upload(`{"main_module":"worker.js","bindings":[`+bindings+`]`+more+`}`))
		var out []string
		for _, b := range c.must("GET", wrk+"/api/settings", nil)["bindings"].([]any) {
			if dig(b, "sealed") != nil || dig(b, "type") == "secret_text" && dig(b, "text") != nil {
				t.Errorf("a secret is shown: %v", b)
			}
			out = append(out, fmt.Sprint(dig(b, "name"), " ", dig(b, "type")))
		}
		return out
	}
	for _, tt := range []struct {
		name, query, bindings, more string
		want                        []string
	}{
		{"two", "", plain + "," + secret, "", []string{"V plain_text", "S secret_text"}},
		{"inherited", "", `{"type":"inherit","name":"S"},` + plain, "", []string{"S secret_text", "V plain_text"}},
		{"renamed", "", `{"type":"inherit","name":"T","old_name":"S"}`, "", []string{"T secret_text"}},
		{"kept", "", plain, `,"keep_bindings":["secret_text"]`, []string{"V plain_text", "T secret_text"}},
		{"kept, but named", "", `{"type":"secret_text","name":"T","text":"t"}`, `,"keep_bindings":["secret_text","plain_text"]`,
			[]string{"T secret_text", "V plain_text"}},
		{"of nothing", "", `{"type":"inherit","name":"X"}`, "", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := put(tt.query, tt.bindings, tt.more); !slices.Equal(got, tt.want) {
				t.Errorf("the bindings are %v, want %v", got, tt.want)
			}
		})
	}
	put("", secret, "")
	put("", `{"type":"inherit","name":"S"}`, "")
	if s := c.cloud.Scripts()[0].Secrets["S"]; !s.Is("s") {
		t.Error("an inherited secret is not the same")
	}
	strict := upload(`{"main_module":"worker.js","bindings":[{"type":"inherit","name":"X"}]}`)
	c.refused("PUT", wrk+"/api?bindings_inherit=strict", strict, 400, 10057, "inherit binding 'X' is invalid")
	c.refused("PUT", wrk+"/new?bindings_inherit=strict", strict, 400, 10057, "inherit binding 'X' is invalid")
}

func TestScript_Content(t *testing.T) {
	c := serve(t, &cloudflare.Cloud{})
	modules := form{
		{"lib/ü \"quoted\".js", esModule, "export const a = 1\r\n--boundary\r\n"},
		{"data.bin", "application/octet-stream", "\x00\xff\n\r"},
		{"empty.txt", "text/plain", ""},
	}
	main := part{"src/worker.js", esModule + "; charset=utf-8", code}
	c.must("PUT", wrk+"/api", append(slices.Clone(modules), part{"metadata", "application/json", `{"main_module":"src/worker.js"}`}, main))
	for _, path := range []string{"/api/content/v2", "/api"} {
		res := c.do("GET", wrk+path, nil)
		if got := res.header.Get("Cf-Entrypoint"); res.status != 200 || got != main.name {
			t.Errorf("%s: %d, the entry point is %q", path, res.status, got)
		}
		mediaType, params, err := mime.ParseMediaType(res.header.Get("Content-Type"))
		if err != nil || mediaType != "multipart/form-data" {
			t.Fatalf("%s: %s %v", path, mediaType, err)
		}
		var got form
		for r := multipart.NewReader(strings.NewReader(res.body), params["boundary"]); ; {
			p, err := r.NextPart()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			content, err := io.ReadAll(p)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, part{p.FormName(), p.Header.Get("Content-Type"), string(content)})
		}
		if want := append(form{main}, modules...); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: the modules are\n%q\nwant\n%q", path, got, want)
		}
	}

	const listener = `addEventListener("fetch", e => e.respondWith(new Response("ok")))`
	answer := c.must("PUT", wrk+"/old", form{
		{"script", "application/javascript", listener}, {"metadata", "application/json", `{"body_part":"script"}`},
	})
	if answer["has_modules"] != false {
		t.Errorf("a service worker has modules: %v", answer)
	}
	res := c.do("GET", wrk+"/old/content/v2", nil)
	if res.body != listener || res.header.Get("Content-Type") != "application/javascript" || res.header.Get("Cf-Entrypoint") != "" {
		t.Errorf("a service worker is read as %v %q", res.header, res.body)
	}
	if got := c.must("PUT", wrk+"/files", form{{"metadata", "application/json", `{"assets":{}}`}})["has_assets"]; got != true {
		t.Errorf("a Worker of assets alone has none: %v", got)
	}
	if res := c.do("GET", wrk+"/files/content/v2", nil); res.status != 200 {
		t.Errorf("a Worker of assets alone: %d %s", res.status, res.body)
	}
}

func TestScript_PatchSettings(t *testing.T) {
	c := serve(t, &cloudflare.Cloud{})
	c.must("PUT", wrk+"/api", upload(`{"main_module":"worker.js","compatibility_date":"2026-01-01","tags":["a"],
		"bindings":[{"type":"secret_text","name":"S","text":"s"}],"observability":{"enabled":true,"head_sampling_rate":1}}`))
	patch := func(settings string) form { return form{{"settings", "application/json", settings}} }
	got := c.must("PATCH", wrk+"/api/settings", patch(`{"compatibility_date":"2026-02-02","observability":{"enabled":false},"tags":null}`))
	same(t, "the settings", any(got), `{
		"bindings": [{"type": "secret_text", "name": "S"}], "observability": {"enabled": false},
		"compatibility_date": "2026-02-02", "compatibility_flags": [], "logpush": false, "placement": {},
		"tags": [], "tail_consumers": [], "usage_model": "standard", "annotations": {"workers/triggered_by": "settings"}
	}`)
	if read := c.must("GET", wrk+"/api/settings", nil); !reflect.DeepEqual(read, got) {
		t.Errorf("they are read as %v", read)
	}
	got = c.must("PATCH", wrk+"/api/settings", patch(`{"bindings":[{"type":"inherit","name":"S"},{"type":"ai","name":"AI"}]}`))
	same(t, "the bindings", got["bindings"], `[{"type":"secret_text","name":"S"},{"type":"ai","name":"AI"}]`)
	if s := c.cloud.Scripts()[0]; !s.Secrets["S"].Is("s") || s.Modules["worker.js"] != code || s.Uploads != 1 {
		t.Errorf("the Worker is %+v", s)
	}
	for name, tt := range map[string]struct {
		body  any
		code  int
		words string
	}{
		"JSON":       {`{"logpush":true}`, 10001, "multipart/form-data"},
		"no part":    {form{}, 8009999, "settings is missing"},
		"a module":   {append(patch(`{}`), part{"worker.js", esModule, code}), 8009999, "only the part settings"},
		"main":       {patch(`{"main_module":"worker.js"}`), 8009999, "settings: main_module"},
		"a bad date": {patch(`{"compatibility_date":null}`), 8009999, "compatibility_date"},
	} {
		t.Run(name, func(t *testing.T) { c.refused("PATCH", wrk+"/api/settings", tt.body, 400, tt.code, tt.words) })
	}
}

func TestScript_Secrets(t *testing.T) {
	c := serve(t, &cloudflare.Cloud{})
	c.worker("api", `{"type":"plain_text","name":"V","text":"v"}`)
	secrets := wrk + "/api/secrets"
	if got := c.do("GET", secrets, nil).Result; len(got.([]any)) != 0 {
		t.Errorf("there are secrets: %v", got)
	}
	for _, text := range []string{"one", "two"} {
		got := c.must("PUT", secrets, `{"type":"secret_text","name":"S","text":"`+text+`"}`)
		same(t, "the answer", any(got), `{"type":"secret_text","name":"S"}`)
		if s := c.cloud.Scripts()[0]; !s.Secrets["S"].Is(text) {
			t.Errorf("the secret is not %s", text)
		}
	}
	same(t, "the secrets", c.do("GET", secrets, nil).Result, `[{"type":"secret_text","name":"S"}]`)
	c.refused("PUT", secrets, `{"type":"secret_text","name":"V","text":"x"}`, 400, 10053, "already in use")
	c.refused("PUT", secrets, `{"type":"plain_text","name":"W","text":"x"}`, 400, 8009999, "type")
	c.refused("PUT", secrets, `{"type":"secret_text","text":"x"}`, 400, 10052, "must have a name")
	c.refused("DELETE", secrets+"/V", nil, 404, 10056, "not found")
	c.must("DELETE", secrets+"/S", nil)
	c.refused("DELETE", secrets+"/S", nil, 404, 10056, "not found")
	if s := c.cloud.Scripts()[0]; len(s.Secrets) != 0 || s.Vars["V"] != "v" {
		t.Errorf("there are left %+v", s)
	}
}

func TestScript_Subdomain(t *testing.T) {
	c := serve(t, &cloudflare.Cloud{})
	c.worker("api")
	same(t, "the account's", any(c.must("GET", acct+"/workers/subdomain", nil)), `{"subdomain":"sandbox"}`)
	c.must("PUT", acct+"/workers/subdomain", `{"subdomain":"sandbox"}`)
	c.refused("PUT", acct+"/workers/subdomain", `{"subdomain":"other"}`, 409, 10036, "already")
	c.refused("PUT", acct+"/workers/subdomain", `{}`, 400, 8009999, "subdomain: is missing")
	place := wrk + "/api/subdomain"
	same(t, "a new Worker's", any(c.must("GET", place, nil)), `{"enabled":false,"previews_enabled":false}`)
	for body, want := range map[string]string{
		`{"enabled":true}`:                           `{"enabled":true,"previews_enabled":true}`,
		`{"enabled":true,"previews_enabled":false}`:  `{"enabled":true,"previews_enabled":false}`,
		`{"enabled":false,"previews_enabled":false}`: `{"enabled":false,"previews_enabled":false}`,
	} {
		same(t, body, any(c.must("POST", place, body)), want)
		same(t, body, any(c.must("GET", place, nil)), want)
	}
	c.refused("POST", place, `{"enabled":"yes"}`, 400, 8009999, "enabled")
	c.refused("POST", place, `{"previews_enabled":true}`, 400, 8009999, "enabled: is missing")
}

func TestScript_Delete(t *testing.T) {
	const bound = "still referenced by service bindings in "
	bind := `{"deployment_configs":{"production":{"services":{"API":{"service":"api"}}}}}`
	unbind := `{"deployment_configs":{"production":{"services":{"API":null}}}}`
	for _, tt := range []struct {
		name string
		do   func(*client)
		by   string // who holds it
	}{
		{"free", func(*client) {}, ""},
		{"bound by itself", func(c *client) { c.worker("api", `{"type":"service","name":"ME","service":"api"}`) }, ""},
		{"bound by another", func(c *client) { c.worker("front", `{"type":"service","name":"API","service":"api"}`) }, "Workers 'front'"},
		{"no longer bound", func(c *client) {
			c.worker("front", `{"type":"service","name":"API","service":"api"}`)
			c.worker("front")
		}, ""},
		{"bound by a project that was never deployed", func(c *client) { c.must("PATCH", pages+"/site", bind) }, ""},
		{"bound by one that was deployed before", func(c *client) {
			c.deploy("main")
			c.must("PATCH", pages+"/site", bind)
		}, ""},
		{"bound by one that was deployed since", func(c *client) {
			c.must("PATCH", pages+"/site", bind)
			c.deploy("main")
		}, "Pages projects 'site'"},
		{"bound in the other environment", func(c *client) {
			c.must("PATCH", pages+"/site", bind)
			c.deploy("feature")
		}, ""},
		{"unbound, but not deployed since", func(c *client) {
			c.must("PATCH", pages+"/site", bind)
			c.deploy("main")
			c.must("PATCH", pages+"/site", unbind)
			c.deploy("feature")
		}, "Pages projects 'site'"},
		{"unbound and deployed", func(c *client) {
			c.must("PATCH", pages+"/site", bind)
			c.deploy("main")
			c.must("PATCH", pages+"/site", unbind)
			c.deploy("main")
		}, ""},
		{"bound by one that is gone", func(c *client) {
			c.must("PATCH", pages+"/site", bind)
			c.deploy("main")
			c.must("DELETE", pages+"/site", nil)
		}, ""},
	} {
		for _, path := range []string{wrk + "/api", acct + "/workers/services/api"} {
			t.Run(tt.name, func(t *testing.T) {
				c := serve(t, &cloudflare.Cloud{})
				tag := c.worker("api")["tag"]
				c.project("site")
				tt.do(c)
				query := ""
				if tt.by != "" {
					c.refused("DELETE", path, nil, 400, 10142, "Cannot delete service 'api' because it is "+bound+tt.by)
					query = "?force=true"
				}
				if got := c.must("DELETE", path+query, nil)["id"]; got != tag {
					t.Errorf("it answers %v, the tag was %v", got, tag)
				}
				c.refused("DELETE", path, nil, 404, 10007, "This Worker does not exist on your account.")
			})
		}
	}
}

func (c *client) deploy(branch string) {
	c.t.Helper()
	if _, err := c.cloud.AddDeployment("site", branch); err != nil {
		c.t.Fatal(err)
	}
}
