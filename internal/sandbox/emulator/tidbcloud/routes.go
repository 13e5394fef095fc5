package tidbcloud

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"slices"

	"portfolio-infra/internal/sandbox/emulator"
)

// operation carries out one call on the state. It may change the state unless the method is
// GET. Its result is sent with status 200.
type operation func(s *state, r *http.Request) (any, error)

func (c *Cloud) routes() *http.ServeMux {
	mux := http.NewServeMux()
	route := func(pattern string, op operation, replyError func(http.ResponseWriter, error), params []string) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			answer, err := c.call(op, r, params)
			if err != nil {
				replyError(w, err)
				return
			}
			emulator.Reply(w, http.StatusOK, answer)
		})
	}
	serverless := func(pattern string, op operation, params ...string) { route(pattern, op, replyStatus, params) }
	iam := func(pattern string, op operation, params ...string) { route(pattern, op, replyIAMError, params) }

	serverless("GET /v1beta1/clusters", c.listClusters, "pageSize", "pageToken")
	serverless("POST /v1beta1/clusters", c.createCluster)
	serverless("GET /v1beta1/clusters/{cluster}", c.getCluster)
	serverless("PATCH /v1beta1/clusters/{cluster}", c.updateCluster)
	serverless("DELETE /v1beta1/clusters/{cluster}", c.deleteCluster)
	serverless("GET /v1beta1/regions", c.listRegions)

	serverless("GET /v1beta1/clusters/{cluster}/branches", c.listBranches, "pageSize", "pageToken")
	serverless("POST /v1beta1/clusters/{cluster}/branches", c.createBranch)
	serverless("GET /v1beta1/clusters/{cluster}/branches/{branch}", c.getBranch, "view")
	serverless("DELETE /v1beta1/clusters/{cluster}/branches/{branch}", c.deleteBranch)
	serverless("POST /v1beta1/clusters/{cluster}/branches/{branch}", c.resetBranch)
	serverless("PATCH /v1beta1/clusters/{cluster}/branches/{branch}/sqlUsers/{user}", c.updateBranchUser)

	iam("GET /v1beta1/projects", c.listProjects, "pageSize", "pageToken")
	iam("GET /v1beta1/clusters/{cluster}/sqlUsers", c.listUsers, "pageSize", "pageToken")
	iam("POST /v1beta1/clusters/{cluster}/sqlUsers", c.createUser)
	iam("PATCH /v1beta1/clusters/{cluster}/sqlUsers/{user}", c.updateUser)
	iam("DELETE /v1beta1/clusters/{cluster}/sqlUsers/{user}", c.deleteUser)

	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		replyStatus(w, notFound("%s %s: no such operation, or it is not emulated", r.Method, r.URL.Path))
	})
	return mux
}

// call carries out op with the state locked. params are the query parameters that op takes.
func (c *Cloud) call(op operation, r *http.Request, params []string) (answer any, err error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, badRequest("invalid query string: %v", err)
	}
	for name, values := range query {
		if !slices.Contains(params, name) {
			return nil, badRequest("query parameter %q is unknown, or not emulated", name)
		}
		if len(values) > 1 {
			return nil, badRequest("query parameter %q is given more than once", name)
		}
	}
	// The body is read before locking, since a slow client must not hold up the others.
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, badRequest("reading the body: %v", err)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))

	access := c.write
	if r.Method == http.MethodGet {
		access = c.read
	}
	err = access(func(s *state) error {
		answer, err = op(s, r)
		return err
	})
	return answer, err
}

// decode reads the body of a request into v, a pointer to a struct without
// omitempty.
func decode(r *http.Request, v any) error {
	if err := emulator.Decode(r, v); err != nil {
		return badRequest("invalid body, or not emulated: %v", err)
	}
	return nil
}
