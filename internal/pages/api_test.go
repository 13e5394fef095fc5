package pages

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// projectDate is the compatibility date of the project.
const projectDate = "2026-01-31"

// api is as much of the Pages API as a deployment needs, and the deployments themselves.
// The zero value has the project "site" without deployments.
type api struct {
	// before, if set, is called first. It reports whether it has responded.
	before func(w http.ResponseWriter, r *http.Request) bool
	// stages are those that a new deployment goes through. It stays in the last one.
	stages []string
	// token is the next upload token.
	token string
	// flags are the compatibility flags of the project.
	flags []string
	// url is the address of all deployments. If empty, each has its own, as the real ones do.
	url string

	mu          sync.Mutex
	calls       []string // as callOf names them
	assets      map[string]stored
	forms       [][]part
	deployments []*deployedSite // the oldest first
	canonical   string
	rolledBack  bool // to the canonical one, until the next deployment
	tokens      int
}

// stored is an uploaded file.
type stored struct{ ContentType, Content string }

type deployedSite struct {
	id, environment, message string
	stages                   []string
	manifest                 map[string]string
}

// callOf names a call: METHOD path, below the project, the account or the API.
func callOf(r *http.Request) string {
	return r.Method + " " + prefix.ReplaceAllString(r.URL.Path, "")
}

var prefix = regexp.MustCompile("^(/client/v4)?(/accounts/" + account + ")?(/pages/projects/site)?")

func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	call := callOf(r)
	a.mu.Lock()
	a.calls = append(a.calls, call)
	a.mu.Unlock()
	if a.before != nil && a.before(w, r) {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	var result any
	_, id, isDeployment := strings.Cut(call, " /deployments/")
	switch {
	case !strings.HasPrefix(r.URL.Path, "/client/"):
		a.serve(w, r)
		return
	case call == "GET ":
		result = a.project()
	case call == "GET /upload-token":
		a.tokens++
		result = map[string]any{"jwt": a.token}
	case call == "POST /pages/assets/check-missing":
		result = a.missing(r)
	case call == "POST /pages/assets/upload":
		a.store(r)
	case call == "POST /pages/assets/upsert-hashes":
	case call == "POST /deployments":
		result = a.describe(a.deploy(r))
	case call == "GET /deployments":
		result = a.list(r)
	case strings.HasSuffix(call, "/history/logs"):
		result = map[string]any{"total": 1, "data": []any{map[string]any{"line": "Error: out of coffee"}}}
	case isDeployment && r.Method == http.MethodGet:
		d := a.find(id)
		if d == nil {
			refuse(w, 404, 8000009, "The deployment ID you have specified does not exist.")
			return
		}
		if len(d.stages) > 1 {
			d.stages = d.stages[1:]
		}
		result = a.describe(d)
	case isDeployment && r.Method == http.MethodDelete:
		a.deployments = slices.DeleteFunc(a.deployments, func(d *deployedSite) bool { return d.id == id })
	default:
		refuse(w, 404, 7003, "Could not route to "+call)
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"success": true, "errors": []any{}, "messages": []any{}, "result": result})
}

// serve answers as the deployment that the host names, or the newest. For a page, or a path
// without a file, it answers "a page".
func (a *api) serve(w http.ResponseWriter, r *http.Request) {
	name, _, _ := strings.Cut(r.Host, ".")
	d := a.find(name)
	if d == nil && len(a.deployments) > 0 {
		d = a.deployments[len(a.deployments)-1]
	}
	if d == nil || d.manifest[r.URL.Path] == "" {
		fmt.Fprint(w, "a page")
		return
	}
	key := d.manifest[r.URL.Path]
	w.Header().Set("ETag", fmt.Sprintf("%q", key))
	w.Header().Set("Content-Length", fmt.Sprint(len(a.assets[key].Content)))
	_, _ = io.WriteString(w, a.assets[key].Content)
}

func refuse(w http.ResponseWriter, status, code int, message string) {
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"success":false,"errors":[{"code":%d,"message":%q}],"messages":[],"result":null}`, code, message)
}

func (a *api) project() any {
	var canonical any
	if d := a.find(a.canonical); d != nil {
		canonical = a.describe(d)
	}
	config := map[string]any{"compatibility_date": projectDate, "compatibility_flags": append([]string{}, a.flags...)}
	return map[string]any{
		"name": "site", "subdomain": "site.pages.dev", "production_branch": "main", "canonical_deployment": canonical,
		"deployment_configs": map[string]any{"production": config, "preview": config},
	}
}

func (a *api) find(id string) *deployedSite {
	for _, d := range a.deployments {
		if d.id == id {
			return d
		}
	}
	return nil
}

// add adds a live production deployment that somebody made.
func (a *api) add(message string) *deployedSite {
	d := &deployedSite{id: fmt.Sprint("d", len(a.deployments)+1), environment: production, message: message, stages: []string{"deploy success"}}
	a.deployments = append(a.deployments, d)
	a.canonical = d.id
	return d
}

// describe returns a deployment, which becomes canonical when it is live.
func (a *api) describe(d *deployedSite) any {
	name, status, _ := strings.Cut(d.stages[0], " ")
	newest := d == a.deployments[len(a.deployments)-1] && d.environment == production
	if newest && d.stages[0] == "deploy success" && !a.rolledBack {
		a.canonical = d.id
	}
	return map[string]any{
		"id": d.id, "environment": d.environment, "url": cmp.Or(a.url, "https://"+d.id+".site.pages.dev"), "created_on": "2026-06-01T00:00:00Z",
		"aliases": []string{"https://example.com", "https://main.site.pages.dev"}, "latest_stage": map[string]any{"name": name, "status": status},
		"deployment_trigger": map[string]any{"metadata": map[string]any{"commit_message": d.message}},
	}
}

func (a *api) list(r *http.Request) []any {
	page := []any{}
	var number int
	_, _ = fmt.Sscan(r.URL.Query().Get("page"), &number)
	i := 0
	for _, d := range slices.Backward(slices.Clone(a.deployments)) {
		if env := r.URL.Query().Get("env"); env != "" && env != d.environment {
			continue
		}
		if i/25 == number-1 {
			page = append(page, a.describe(d))
		}
		i++
	}
	return page
}

func (a *api) missing(r *http.Request) []string {
	var in struct{ Hashes []string }
	_ = json.NewDecoder(r.Body).Decode(&in)
	missing := []string{}
	for _, key := range in.Hashes {
		if _, ok := a.assets[key]; !ok {
			missing = append(missing, key)
		}
	}
	return missing
}

func (a *api) store(r *http.Request) {
	var in []struct {
		Key      string
		Value    []byte
		Metadata struct{ ContentType string }
	}
	_ = json.NewDecoder(r.Body).Decode(&in)
	if a.assets == nil {
		a.assets = map[string]stored{}
	}
	for _, item := range in {
		a.assets[item.Key] = stored{item.Metadata.ContentType, string(item.Value)}
	}
}

func (a *api) deploy(r *http.Request) *deployedSite {
	_, params, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	form := multipart.NewReader(r.Body, params["boundary"])
	var all []part
	d := &deployedSite{id: fmt.Sprint("d", len(a.deployments)+1), environment: production, stages: a.stages}
	if d.stages == nil {
		d.stages = []string{"queued active", "deploy success"}
	}
	for {
		p, err := form.NextRawPart()
		if err != nil {
			break
		}
		content, _ := io.ReadAll(p)
		all = append(all, part{p.FormName(), p.FileName(), p.Header.Get("Content-Type"), string(content)})
		switch p.FormName() {
		case "commit_message":
			d.message = string(content)
		case "manifest":
			_ = json.Unmarshal(content, &d.manifest)
		}
	}
	a.rolledBack = false
	a.forms = append(a.forms, all)
	a.deployments = append(a.deployments, d)
	return d
}

// count returns the number of calls that begin with a text.
func (a *api) count(prefix string) (n int) {
	for _, call := range a.calls {
		if strings.HasPrefix(call, prefix) {
			n++
		}
	}
	return n
}
