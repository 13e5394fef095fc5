package cloudflare

import (
	"net/http"
	"strings"
)

// base is the path under which the API is served.
const base = "/client/v4"

// routes are all that is emulated, with their query parameters: what the stack, the commands
// of environments, the Cloudflare provider, and wrangler as pages deploy, deploy and secret put call. noRoute
// answers other paths, and noMethod other methods.
var routes = []struct {
	pattern string
	handler handler
}{
	{"GET /accounts/{account}/pages/projects?page&per_page", listProjects},
	{"POST /accounts/{account}/pages/projects", createProject},
	{"GET /accounts/{account}/pages/projects/{project}", withProject(getProject)},
	{"PATCH /accounts/{account}/pages/projects/{project}", withProject(patchProject)},
	{"DELETE /accounts/{account}/pages/projects/{project}", withProject(deleteProject)},
	{"GET /accounts/{account}/pages/projects/{project}/deployments?env&page&per_page", withProject(listDeployments)},
	{"POST /accounts/{account}/pages/projects/{project}/deployments", withProject(createDeployment)},
	{"GET /accounts/{account}/pages/projects/{project}/deployments/{deployment}", withDeployment(getDeployment)},
	{"DELETE /accounts/{account}/pages/projects/{project}/deployments/{deployment}?force", withDeployment(deleteDeployment)},
	{"GET /accounts/{account}/pages/projects/{project}/deployments/{deployment}/history/logs?size", withDeployment(getLogs)},
	{"GET /accounts/{account}/pages/projects/{project}/upload-token", withProject(getUploadToken)},
	{"POST /accounts/{account}/pages/projects/{project}/domains", withProject(addDomain)},
	{"GET /accounts/{account}/pages/projects/{project}/domains/{domain}", withDomain(getDomain)},
	{"DELETE /accounts/{account}/pages/projects/{project}/domains/{domain}", withDomain(deleteDomain)},

	{"GET /zones/{zone}/dns_records?name", withZone(listRecords)},
	{"POST /zones/{zone}/dns_records", withZone(createRecord)},
	{"GET /zones/{zone}/dns_records/{record}", withRecord(getRecord)},
	{"PUT /zones/{zone}/dns_records/{record}", withRecord(putRecord)},
	{"DELETE /zones/{zone}/dns_records/{record}", withRecord(deleteRecord)},

	{"POST /pages/assets/check-missing", checkMissing},
	{"POST /pages/assets/upload", uploadAssets},
	{"POST /pages/assets/upsert-hashes", upsertHashes},

	{"GET /accounts/{account}/workers/subdomain", getAccountSubdomain},
	{"PUT /accounts/{account}/workers/subdomain", putAccountSubdomain},
	{"GET /accounts/{account}/workers/services/{script}", getService},
	{"GET /accounts/{account}/workers/workers/{script}", withScript(getWorker)},
	{"GET /accounts/{account}/workers/scripts", listScripts},
	{"GET /accounts/{account}/workers/scripts/{script}", withScript(getContent)},
	{"PUT /accounts/{account}/workers/scripts/{script}?bindings_inherit&excludeScript", putScript},
	{"DELETE /accounts/{account}/workers/scripts/{script}?force", withScript(deleteScript)},
	{"GET /accounts/{account}/workers/scripts/{script}/content/v2", withScript(getContent)},
	{"POST /accounts/{account}/workers/scripts/{script}/versions?bindings_inherit", withScript(postVersion)},
	{"GET /accounts/{account}/workers/scripts/{script}/deployments", withScript(listVersionDeployments)},
	{"POST /accounts/{account}/workers/scripts/{script}/deployments", withScript(deployVersion)},
	{"PATCH /accounts/{account}/workers/scripts/{script}/script-settings", withScript(patchScriptSettings)},
	{"GET /accounts/{account}/workers/scripts/{script}/settings", withScript(getSettings)},
	{"PATCH /accounts/{account}/workers/scripts/{script}/settings", withScript(patchSettings)},
	{"GET /accounts/{account}/workers/scripts/{script}/subdomain", withScript(getSubdomain)},
	{"POST /accounts/{account}/workers/scripts/{script}/subdomain", withScript(postSubdomain)},
	{"DELETE /accounts/{account}/workers/scripts/{script}/subdomain", withScript(deleteSubdomain)},
	{"GET /accounts/{account}/workers/scripts/{script}/secrets", withScript(listSecrets)},
	{"PUT /accounts/{account}/workers/scripts/{script}/secrets", withScript(putSecret)},
	{"DELETE /accounts/{account}/workers/scripts/{script}/secrets/{secret}", withScript(deleteSecret)},
}

func (c *Cloud) newMux() *http.ServeMux {
	mux := http.NewServeMux()
	known := map[string]bool{}
	for _, route := range routes {
		pattern, parameters, _ := strings.Cut(route.pattern, "?")
		method, path, _ := strings.Cut(pattern, " ")
		mux.HandleFunc(method+" "+base+path, func(w http.ResponseWriter, r *http.Request) {
			result, err := c.answer(w.Header(), r, strings.Split(parameters, "&"), route.handler)
			send(w, result, err)
		})
		if !known[path] {
			known[path] = true
			mux.HandleFunc(base+path, func(w http.ResponseWriter, r *http.Request) { send(w, nil, noMethod(r)) })
		}
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { send(w, nil, noRoute(r)) })
	return mux
}

const (
	codeNoRoute    = 7003
	noRouteMessage = "Could not route to %s, perhaps your object identifier is invalid?"
)

// noRoute refuses a path that is not emulated. The error names it.
func noRoute(r *http.Request) *refusal {
	out := refuse(http.StatusBadRequest, codeNoRoute, noRouteMessage, r.URL.Path)
	out.problems = append(out.problems, problem{
		Code: 7000, Message: "No route for that URI: the emulator has no " + r.Method + " " + r.URL.Path,
	})
	return out
}

// noMethod refuses a method that is not emulated on a path that is.
func noMethod(r *http.Request) *refusal {
	return refuse(http.StatusMethodNotAllowed, 10405, "Method not allowed: the emulator has no %s %s", r.Method, r.URL.Path)
}
