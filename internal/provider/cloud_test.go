package provider_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"time"
)

// cloud is as much of TiDB Cloud as the resources need. It takes no part in the
// authentication, which package tidbcloud's tests cover.
type cloud struct {
	// readyAfter is the time from CREATING to ACTIVE, goneAfter that from a delete
	// to 404.
	readyAfter, goneAfter time.Duration
	// faults are asked before each call is carried out; the first that is not nil
	// decides.
	faults []func(call string) *fault

	// organization is whose the API key is; clusters are organization 1's.
	organization string

	mu       sync.Mutex
	clusters map[string]*cluster
	lastID   int
	calls    []string // METHOD /path, and the mask of a PATCH
	bodies   []map[string]any
}

// cluster is a live cluster.
type cluster struct {
	id        string
	fields    map[string]any
	created   time.Time
	state     string // overrides the state that the clock gives
	deletedAt time.Time
	users     map[string]*user
}

// user is a live SQL user.
type user struct{ password, role string }

// fault makes a call fail.
type fault struct {
	status int    // what is answered; 0 = the connection is reset
	body   string // of the answer
	effect bool   // the call is carried out all the same
	delay  time.Duration
}

func newCloud() *cloud {
	return &cloud{readyAfter: 9500 * time.Millisecond, goneAfter: 3 * time.Second, organization: "1", clusters: map[string]*cluster{}}
}

// once is a fault for the first n calls that begin with prefix.
func once(n int, prefix string, f fault) func(string) *fault {
	return func(call string) *fault {
		if n == 0 || !strings.HasPrefix(call, prefix) {
			return nil
		}
		n--
		return &f
	}
}

// ready sets readyAfter while a call may be under way.
func (c *cloud) ready(after time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.readyAfter = after
}

// add puts a cluster there that nobody's run made.
func (c *cloud) add(name, region string, labels map[string]string) *cluster {
	c.mu.Lock()
	defer c.mu.Unlock()
	made := c.create(map[string]any{"displayName": name, "region": map[string]any{"name": region}, "labels": anyMap(labels)})
	made.created = made.created.Add(-time.Hour)
	return made
}

func (c *cloud) create(fields map[string]any) *cluster {
	c.lastID++
	made := &cluster{id: fmt.Sprint(1000 + c.lastID), fields: fields, created: time.Now(), users: map[string]*user{}}
	c.clusters[made.id] = made
	return made
}

func anyMap(m map[string]string) map[string]any {
	out := map[string]any{}
	for k, v := range m {
		out[k] = v
	}
	return out
}

// only returns the single cluster that is not deleted.
func (c *cloud) only() *cluster {
	c.mu.Lock()
	defer c.mu.Unlock()
	var alive []*cluster
	for _, x := range c.clusters {
		if x.deletedAt.IsZero() {
			alive = append(alive, x)
		}
	}
	if len(alive) != 1 {
		panic(fmt.Sprintf("%d clusters", len(alive)))
	}
	return alive[0]
}

// alive is how many clusters are not deleted.
func (c *cloud) alive() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for _, x := range c.clusters {
		if x.deletedAt.IsZero() {
			n++
		}
	}
	return n
}

// called returns the calls since the last time.
func (c *cloud) called() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	calls := c.calls
	c.calls, c.bodies = nil, nil
	return calls
}

// writes leaves out the reads.
func writes(calls []string) []string {
	return slices.DeleteFunc(slices.Clone(calls), func(call string) bool { return strings.HasPrefix(call, "GET ") })
}

func (c *cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body := map[string]any{}
	data, _ := io.ReadAll(r.Body)
	if len(data) > 0 {
		if err := json.Unmarshal(data, &body); err != nil {
			panic(err)
		}
	}
	call := r.Method + " " + r.URL.Path
	if mask, ok := body["updateMask"].(string); ok {
		call += " " + mask
	}
	c.mu.Lock()
	c.calls = append(c.calls, call)
	c.bodies = append(c.bodies, body)
	var f *fault
	for _, ask := range c.faults {
		if f = ask(call); f != nil {
			break
		}
	}
	c.mu.Unlock()

	if f != nil && f.delay > 0 {
		select {
		case <-r.Context().Done():
		case <-time.After(f.delay):
		}
	}
	if f == nil || f.effect {
		rec := httptest.NewRecorder()
		c.mu.Lock()
		c.route(rec, r.Method, strings.Split(strings.TrimPrefix(r.URL.Path, "/"), "/"), body)
		c.mu.Unlock()
		if f == nil {
			maps.Copy(w.Header(), rec.Header())
			w.WriteHeader(rec.Code)
			w.Write(rec.Body.Bytes())
			return
		}
	}
	if f.status == 0 {
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(f.status)
	io.WriteString(w, f.body)
}

func (c *cloud) route(w http.ResponseWriter, method string, path []string, body map[string]any) {
	switch {
	case path[0] == "projects":
		respond(w, 200, map[string]any{"projects": []any{map[string]any{"id": "2", "org_id": c.organization}}})
		return
	case path[0] == "regions":
		respond(w, 200, map[string]any{"regions": []any{
			map[string]any{"name": "regions/aws-ap-northeast-1"}, map[string]any{"name": "regions/aws-us-east-1"},
		}})
		return
	case len(path) == 1 && method == "GET":
		list := []any{}
		for _, id := range slices.Sorted(maps.Keys(c.clusters)) {
			if x := c.clusters[id]; c.present(x) {
				list = append(list, c.show(x))
			}
		}
		respond(w, 200, map[string]any{"clusters": list})
		return
	case len(path) == 1:
		respond(w, 200, c.show(c.create(body)))
		return
	}
	x := c.clusters[path[1]]
	if x == nil || !c.present(x) {
		respond(w, 404, map[string]any{"code": 5, "message": "cluster not found"})
		return
	}
	if len(path) > 2 {
		c.users(w, x, method, path[3:], body)
		return
	}
	switch method {
	case "DELETE":
		if x.deletedAt.IsZero() {
			x.deletedAt = time.Now()
		}
	case "PATCH":
		for key, value := range body["cluster"].(map[string]any) {
			x.fields[key] = value
		}
	}
	respond(w, 200, c.show(x))
}

// users answers the API of SQL users.
func (c *cloud) users(w http.ResponseWriter, x *cluster, method string, path []string, body map[string]any) {
	show := func(name string) map[string]any {
		return map[string]any{"userName": name, "builtinRole": x.users[name].role, "authMethod": "mysql_native_password"}
	}
	text := func(key string) string { s, _ := body[key].(string); return s }
	if len(path) == 0 {
		switch method {
		case "GET":
			list := []any{}
			for _, name := range slices.Sorted(maps.Keys(x.users)) {
				list = append(list, show(name))
			}
			respond(w, 200, map[string]any{"sqlUsers": list})
		case "POST":
			name := "p" + x.id + "." + text("userName")
			if x.users[name] != nil {
				respond(w, 400, map[string]any{"code": "49900003", "error": "user exists", "status": 400})
				return
			}
			x.users[name] = &user{text("password"), "p" + x.id + "." + text("builtinRole")}
			respond(w, 200, show(name))
		}
		return
	}
	u := x.users[path[0]]
	switch {
	case u == nil:
		respond(w, 400, map[string]any{"code": "49900004", "error": "user not found", "status": 400})
	case method == "DELETE":
		delete(x.users, path[0])
		respond(w, 200, map[string]any{"code": 0})
	case method == "PATCH":
		if p := text("password"); p != "" {
			u.password = p
		}
		if r := text("builtinRole"); r != "" {
			u.role = r
		}
		respond(w, 200, show(path[0]))
	}
}

func (c *cloud) present(x *cluster) bool {
	return x.deletedAt.IsZero() || time.Since(x.deletedAt) < c.goneAfter
}

func (c *cloud) show(x *cluster) map[string]any {
	state := "ACTIVE"
	switch {
	case !x.deletedAt.IsZero():
		state = "DELETING"
	case x.state != "":
		state = x.state
	case time.Since(x.created) < c.readyAfter:
		state = "CREATING"
	}
	out := maps.Clone(x.fields)
	out["clusterId"], out["name"], out["state"] = x.id, "clusters/"+x.id, state
	out["createTime"] = x.created.UTC().Format(time.RFC3339Nano)
	out["updateTime"] = time.Now().UTC().Format(time.RFC3339Nano)
	out["version"] = "v7.5.2"
	labels := map[string]any{"tidb.cloud/organization": "1", "tidb.cloud/project": "2"}
	given, _ := x.fields["labels"].(map[string]any)
	maps.Copy(labels, given)
	out["labels"] = labels
	public := map[string]any{"authorizedNetworks": []any{map[string]any{"displayName": "allow_all", "startIpAddress": "0.0.0.0", "endIpAddress": "255.255.255.255"}}}
	if e, ok := x.fields["endpoints"].(map[string]any); ok {
		maps.Copy(public, e["public"].(map[string]any))
	}
	if state == "ACTIVE" {
		public["host"], public["port"] = "gateway01.example.com", 4000
		out["userPrefix"] = "p" + x.id
	}
	out["endpoints"] = map[string]any{"public": public}
	if out["spendingLimit"] == nil {
		out["spendingLimit"] = map[string]any{"monthly": 0}
	}
	return out
}

func respond(w http.ResponseWriter, status int, body any) {
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		panic(err)
	}
}
