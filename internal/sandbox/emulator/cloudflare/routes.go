package cloudflare

import (
	"net/http"
	"strings"
)

// base is the path under which the API is served.
const base = "/client/v4"

// routes are all that is emulated. noRoute answers other paths, and noMethod other methods.
var routes = []struct {
	pattern string
	realm   realm
	handler handler
}{
	// wrangler asks these who its user is.
	{"GET /user/tokens/verify", verify, verifyToken},
	{"GET /user", identity, getUser},
	{"GET /memberships", identity, listMemberships},
	{"GET /accounts", identity, listAccounts},

	{"GET /accounts/{account}/pages/projects", product, listProjects},
	{"POST /accounts/{account}/pages/projects", product, createProject},
	{"GET /accounts/{account}/pages/projects/{project}", product, withProject(getProject)},
	{"PATCH /accounts/{account}/pages/projects/{project}", product, withProject(patchProject)},
	{"DELETE /accounts/{account}/pages/projects/{project}", product, withProject(deleteProject)},
	{"GET /accounts/{account}/pages/projects/{project}/deployments", product, withProject(listDeployments)},
	{"POST /accounts/{account}/pages/projects/{project}/deployments", product, withProject(createDeployment)},
	{"GET /accounts/{account}/pages/projects/{project}/deployments/{deployment}", product, withDeployment(getDeployment)},
	{"DELETE /accounts/{account}/pages/projects/{project}/deployments/{deployment}", product, withDeployment(deleteDeployment)},
	{"GET /accounts/{account}/pages/projects/{project}/deployments/{deployment}/history/logs", product, withDeployment(getLogs)},
	{"GET /accounts/{account}/pages/projects/{project}/upload-token", product, withProject(getUploadToken)},
	{"GET /accounts/{account}/pages/projects/{project}/domains", product, withProject(listDomains)},
	{"POST /accounts/{account}/pages/projects/{project}/domains", product, withProject(addDomain)},
	{"GET /accounts/{account}/pages/projects/{project}/domains/{domain}", product, withDomain(getDomain)},
	{"PATCH /accounts/{account}/pages/projects/{project}/domains/{domain}", product, withDomain(patchDomain)},
	{"DELETE /accounts/{account}/pages/projects/{project}/domains/{domain}", product, withDomain(deleteDomain)},

	{"GET /zones/{zone}/dns_records", product, withZone(listRecords)},
	{"POST /zones/{zone}/dns_records", product, withZone(createRecord)},
	{"GET /zones/{zone}/dns_records/{record}", product, withRecord(getRecord)},
	{"PUT /zones/{zone}/dns_records/{record}", product, withRecord(putRecord)},
	{"PATCH /zones/{zone}/dns_records/{record}", product, withRecord(patchRecord)},
	{"DELETE /zones/{zone}/dns_records/{record}", product, withRecord(deleteRecord)},

	{"POST /pages/assets/check-missing", assets, checkMissing},
	{"POST /pages/assets/upload", assets, uploadAssets},
	{"POST /pages/assets/upsert-hashes", assets, upsertHashes},

	{"GET /accounts/{account}/workers/subdomain", product, getAccountSubdomain},
	{"PUT /accounts/{account}/workers/subdomain", product, putAccountSubdomain},
	{"GET /accounts/{account}/workers/services/{script}", product, getService},
	{"GET /accounts/{account}/workers/workers/{script}", product, withScript(getWorker)},
	{"GET /accounts/{account}/workers/scripts/{script}", product, withScript(getContent)},
	{"PUT /accounts/{account}/workers/scripts/{script}", product, putScript},
	{"DELETE /accounts/{account}/workers/scripts/{script}", product, withScript(deleteScript)},
	{"GET /accounts/{account}/workers/scripts/{script}/content/v2", product, withScript(getContent)},
	{"GET /accounts/{account}/workers/scripts/{script}/versions", product, withScript(listVersions)},
	{"POST /accounts/{account}/workers/scripts/{script}/versions", product, withScript(postVersion)},
	{"GET /accounts/{account}/workers/scripts/{script}/versions/{version}", product, withScript(getVersion)},
	{"GET /accounts/{account}/workers/scripts/{script}/deployments", product, withScript(listScriptDeployments)},
	{"POST /accounts/{account}/workers/scripts/{script}/deployments", product, withScript(postScriptDeployment)},
	{"PATCH /accounts/{account}/workers/scripts/{script}/script-settings", product, withScript(patchScriptSettings)},
	{"GET /accounts/{account}/workers/scripts/{script}/settings", product, withScript(getSettings)},
	{"PATCH /accounts/{account}/workers/scripts/{script}/settings", product, withScript(patchSettings)},
	{"GET /accounts/{account}/workers/scripts/{script}/subdomain", product, withScript(getSubdomain)},
	{"POST /accounts/{account}/workers/scripts/{script}/subdomain", product, withScript(postSubdomain)},
	{"DELETE /accounts/{account}/workers/scripts/{script}/subdomain", product, withScript(deleteSubdomain)},
	{"GET /accounts/{account}/workers/scripts/{script}/secrets", product, withScript(listSecrets)},
	{"PUT /accounts/{account}/workers/scripts/{script}/secrets", product, withScript(putSecret)},
	{"DELETE /accounts/{account}/workers/scripts/{script}/secrets/{secret}", product, withScript(deleteSecret)},
}

func (c *Cloud) newMux() *http.ServeMux {
	mux := http.NewServeMux()
	known := map[string]bool{}
	for _, route := range routes {
		method, path, _ := strings.Cut(route.pattern, " ")
		mux.HandleFunc(method+" "+base+path, func(w http.ResponseWriter, r *http.Request) {
			result, err := c.answer(w.Header(), r, route.realm, route.handler)
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
