package cloudflare

import "net/http"

// methods are the handlers of one path.
type methods map[string]handler

const (
	base = "/client/v4"

	account = "/accounts/{account}"
	pages   = account + "/pages/projects"
	workers = account + "/workers"
	scripts = workers + "/scripts"
	one     = scripts + "/{script}"
)

// routes are all that is emulated.
func (c *Cloud) routes() *http.ServeMux {
	mux := http.NewServeMux()
	add := func(k kind, path string, ms methods) {
		mux.HandleFunc(base+path, func(w http.ResponseWriter, r *http.Request) {
			h, ok := ms[r.Method]
			if !ok {
				refuse(http.StatusMethodNotAllowed, 10405,
					"Method not allowed: the emulator has no %s %s", r.Method, r.URL.Path).send(w)
				return
			}
			c.serve(w, r, k, h)
		})
	}
	add(verify, "/user/tokens/verify", methods{"GET": verifyToken})
	add(verify, account+"/tokens/verify", methods{"GET": verifyToken})
	add(identity, "/user", methods{"GET": getUser})
	add(identity, "/memberships", methods{"GET": listMemberships})
	add(identity, "/accounts", methods{"GET": listAccounts})
	add(identity, account, methods{"GET": getAccount})

	add(product, pages, methods{"GET": listProjects, "POST": createProject})
	add(product, pages+"/{project}", methods{"GET": getProject, "PATCH": patchProject, "DELETE": deleteProject})
	add(product, pages+"/{project}/deployments", methods{"GET": listDeployments})
	add(product, pages+"/{project}/deployments/{deployment}", methods{"GET": getDeployment})
	add(product, pages+"/{project}/deployments/{deployment}/retry", methods{"POST": retryDeployment})
	add(product, pages+"/{project}/domains", methods{"GET": listDomains, "POST": addDomain})
	add(product, pages+"/{project}/domains/{domain}", methods{"GET": getDomain, "DELETE": deleteDomain})

	add(product, workers+"/subdomain", methods{"GET": getSubdomain, "PUT": putSubdomain})
	add(product, workers+"/services/{script}", methods{"GET": getService, "DELETE": deleteScript})
	add(product, scripts, methods{"GET": listScripts})
	add(product, one, methods{"GET": getContent, "PUT": putScript, "DELETE": deleteScript})
	add(product, one+"/content/v2", methods{"GET": getContent})
	add(product, one+"/settings", methods{"GET": getSettings, "PATCH": patchSettings})
	add(product, one+"/subdomain", methods{"GET": getScriptSubdomain, "POST": postScriptSubdomain, "DELETE": deleteScriptSubdomain})
	add(product, one+"/secrets", methods{"GET": listSecrets, "PUT": putSecret})
	add(product, one+"/secrets/{secret}", methods{"DELETE": deleteSecret})

	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { noRoute(r).send(w) })
	return mux
}

// noRoute refuses a path that is not emulated, and names it.
func noRoute(r *http.Request) *refusal {
	out := refuse(http.StatusBadRequest, 7003,
		"Could not route to %s, perhaps your object identifier is invalid?", r.URL.Path)
	out.problems = append(out.problems, problem{
		Code: 7000, Message: "No route for that URI: the emulator has no " + r.Method + " " + r.URL.Path,
	})
	return out
}
