package tidbcloud

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// route is one operation of the two APIs. In its pattern, "*" stands for any
// segment but an empty one.
type route struct {
	method, pattern string
	// query are the parameters that it takes.
	query []string
	// iam says that it is the IAM API's.
	iam bool
	// handle gets the segments that the pattern's stars stand for, unescaped. What
	// it returns is sent with status 200.
	handle func(c *Cloud, r *http.Request, args []string) (any, error)
}

var routes = []route{
	{method: "GET", pattern: "/v1beta1/clusters", query: []string{"pageSize", "pageToken", "filter", "orderBy", "skip"}, handle: (*Cloud).listClusters},
	{method: "POST", pattern: "/v1beta1/clusters", handle: (*Cloud).createCluster},
	{method: "GET", pattern: "/v1beta1/clusters/*", query: []string{"view"}, handle: (*Cloud).getCluster},
	{method: "PATCH", pattern: "/v1beta1/clusters/*", handle: (*Cloud).updateCluster},
	{method: "DELETE", pattern: "/v1beta1/clusters/*", handle: (*Cloud).deleteCluster},
	{method: "PUT", pattern: "/v1beta1/clusters/*/password", handle: (*Cloud).setRootPassword},
	{method: "GET", pattern: "/v1beta1/regions", query: []string{"cloudProvider", "servicePlan"}, handle: (*Cloud).listRegions},
	{method: "GET", pattern: "/v1beta1/regions:listCloudProviders", handle: (*Cloud).listCloudProviders},
	{method: "GET", pattern: "/v1beta1/projects", query: []string{"pageSize", "pageToken"}, iam: true, handle: (*Cloud).listProjects},
	{method: "GET", pattern: "/v1beta1/clusters/*/sqlUsers", query: []string{"pageSize", "pageToken"}, iam: true, handle: (*Cloud).listUsers},
	{method: "POST", pattern: "/v1beta1/clusters/*/sqlUsers", iam: true, handle: (*Cloud).createUser},
	{method: "GET", pattern: "/v1beta1/clusters/*/sqlUsers/*", iam: true, handle: (*Cloud).getUser},
	{method: "PATCH", pattern: "/v1beta1/clusters/*/sqlUsers/*", iam: true, handle: (*Cloud).updateUser},
	{method: "DELETE", pattern: "/v1beta1/clusters/*/sqlUsers/*", iam: true, handle: (*Cloud).deleteUser},
}

// match finds the route of a request. With an error comes a route of the API that
// the error belongs to.
func match(h http.Header, r *http.Request) (route, []string, error) {
	var allowed []string
	var other route
	for _, ro := range routes {
		args, ok := ro.matches(r.URL.EscapedPath())
		if !ok {
			continue
		}
		if ro.method == r.Method {
			return ro, args, ro.checkQuery(r.URL)
		}
		other, allowed = ro, append(allowed, ro.method)
	}
	if allowed != nil {
		h.Set("Allow", strings.Join(allowed, ", "))
		return other, nil, &problem{status: http.StatusMethodNotAllowed, message: r.Method + " " + r.URL.Path + ": the path does not have this method"}
	}
	return other, nil, notFound("%s %s: there is no such operation, or it is not emulated", r.Method, r.URL.Path)
}

func (ro route) matches(path string) (args []string, ok bool) {
	want, got := strings.Split(ro.pattern, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return nil, false
	}
	for i, segment := range got {
		segment, err := url.PathUnescape(segment)
		switch {
		case err != nil:
			return nil, false
		case want[i] == "*" && segment != "":
			args = append(args, segment)
		case want[i] != segment:
			return nil, false
		}
	}
	return args, true
}

func (ro route) checkQuery(u *url.URL) error {
	q, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return badRequest("the query string cannot be read: %v", err)
	}
	for name, values := range q {
		if !slices.Contains(ro.query, name) {
			return badRequest("there is no query parameter %q", name)
		}
		if len(values) > 1 {
			return badRequest("query parameter %q is given more than once", name)
		}
	}
	return nil
}
