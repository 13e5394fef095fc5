package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optdestroy"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optpreview"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optrefresh"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optup"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
)

// rows is a table that no operation of the stack may lose.
type rows struct {
	*world
	id  string // of the cluster
	url string // of root, who outlives what the stack does to its users
}

// insert makes the table.
func (w *world) insert() *rows {
	w.Helper()
	const password = "recognizable-root"
	c := w.cluster()
	w.byHand("PUT", tidbAPI, "/clusters/"+c.ClusterID+"/password", `{"password":"`+password+`"}`)
	r := &rows{w, c.ClusterID, fmt.Sprintf("mysql://%s.root:%s@%s:%d/portfolio", c.UserPrefix, password, c.Endpoints.Public.Host, c.Endpoints.Public.Port)}
	r.query(r.url, "CREATE TABLE precious (id INT PRIMARY KEY, text VARCHAR(100))")
	r.query(r.url, "INSERT INTO precious VALUES (1, 'still here')")
	return r
}

// there checks that the rows are, on the one cluster.
func (r *rows) there(when string) {
	r.Helper()
	if id := r.cluster().ClusterID; id != r.id {
		r.Fatalf("%s: cluster %s became %s", when, r.id, id)
	}
	r.want("the rows "+when, r.query(r.url, "SELECT text FROM precious"), "text\nstill here\n")
}

// quietly runs an up that must replace, delete and create nothing.
func (r *rows) quietly(when string) {
	r.Helper()
	changed, outputs, _ := r.up()
	for op := range changed {
		if op != "update" {
			r.Errorf("%s: %v\n%s", when, changed, r.printed.String())
		}
	}
	r.there(when)
	r.query(r.workerURL(outputs), "SELECT 1")
	r.quiet()
}

// refused runs an operation that must fail with these texts and write nothing.
func (r *rows) refused(when string, operation func(auto.Stack) error, texts ...string) {
	r.Helper()
	calls, err := r.try(operation)
	if err == nil {
		r.Errorf("%s: nothing was refused:\n%s", when, r.printed.String())
	}
	for _, text := range texts {
		if !strings.Contains(r.printed.String(), text) {
			r.Errorf("%s: %q is not said:\n%s", when, text, r.printed.String())
		}
	}
	r.noWrites(when, calls)
	r.there(when)
}

func (w *world) tryUp(options ...optup.Option) func(auto.Stack) error {
	return func(s auto.Stack) error {
		_, err := s.Up(w.Context(), append(options, optup.ProgressStreams(&w.printed), optup.ErrorProgressStreams(&w.printed))...)
		return err
	}
}

func (w *world) tryPreview(s auto.Stack) error {
	_, err := s.Preview(w.Context(), optpreview.ProgressStreams(&w.printed), optpreview.ErrorProgressStreams(&w.printed))
	return err
}

func (w *world) tryRefresh(s auto.Stack) error {
	_, err := s.Refresh(w.Context(), optrefresh.ProgressStreams(&w.printed), optrefresh.ErrorProgressStreams(&w.printed))
	return err
}

func (w *world) tryDestroy(s auto.Stack) error {
	_, err := s.Destroy(w.Context(), optdestroy.ProgressStreams(&w.printed), optdestroy.ErrorProgressStreams(&w.printed))
	return err
}

// unprotect does what `pulumi state unprotect --all` does.
func (w *world) unprotect(s auto.Stack) error {
	return w.edit(s, func(r *apitype.ResourceV3) { r.Protect = false })
}

// ages makes all passwords old: a refused login then is no matter of a new one.
func (w *world) ages(s auto.Stack) error {
	return w.edit(s, func(r *apitype.ResourceV3) { delete(r.Outputs, "passwordSetAt") })
}

// edit changes each resource in the state.
func (w *world) edit(s auto.Stack, change func(*apitype.ResourceV3)) error {
	state, err := s.Export(w.Context())
	if err != nil {
		return err
	}
	var deployment apitype.DeploymentV3
	if err := json.Unmarshal(state.Deployment, &deployment); err != nil {
		return err
	}
	for i := range deployment.Resources {
		change(&deployment.Resources[i])
	}
	if state.Deployment, err = json.Marshal(deployment); err != nil {
		return err
	}
	return s.Import(w.Context(), state)
}

func (w *world) protect(on bool) { w.sb.config["portfolio:protect"] = fmt.Sprint(on) }

// The keys move from the environment to the config and back, and an endpoint is set to
// the value in use: the provider's configuration changes, and its resources stay.
func TestRows_providerConfig(t *testing.T) {
	for _, protect := range []bool{false, true} {
		t.Run(fmt.Sprintf("protect %t", protect), func(t *testing.T) {
			w := newWorld(t)
			w.protect(protect)
			w.up()
			r := w.insert()
			public, private := w.clouds.env["TIDBCLOUD_PUBLIC_KEY"], w.clouds.env["TIDBCLOUD_PRIVATE_KEY"]
			w.sb.config["tidbcloud:publicKey"], w.sb.config["tidbcloud:privateKey"] = public, private
			w.clouds.env["TIDBCLOUD_PUBLIC_KEY"], w.clouds.env["TIDBCLOUD_PRIVATE_KEY"] = "", ""
			r.quietly("with the keys in the config")
			w.sb.config["tidbcloud:serverlessEndpoint"] = w.clouds.env["TIDBCLOUD_SERVERLESS_ENDPOINT"]
			r.quietly("with an endpoint in the config")
			delete(w.sb.config, "tidbcloud:publicKey")
			delete(w.sb.config, "tidbcloud:privateKey")
			w.clouds.env["TIDBCLOUD_PUBLIC_KEY"], w.clouds.env["TIDBCLOUD_PRIVATE_KEY"] = public, private
			r.quietly("with the keys in the environment again")
			delete(w.sb.config, "tidbcloud:serverlessEndpoint")
			r.quietly("with the endpoint in the environment again")
		})
	}
}

// Protection goes on and off; what it forbids is refused before anything changed, and by
// the value of the run before.
func TestRows_protection(t *testing.T) {
	w := newWorld(t)
	w.protect(true)
	w.up()
	r := w.insert()
	guard := "has deletion protection, and moving it to another region would delete all its data"
	move := func(to string) { w.sb.config["portfolio:region"] = "regions/aws-" + to }

	move("us-east-1")
	r.refused("moved, previewed", w.tryPreview, guard)
	r.refused("moved", w.tryUp(), guard, "pulumi config set protect false")
	// Pulumi's own guard off, which `pulumi state unprotect` does, the cluster's is on.
	w.on(w.unprotect)
	r.refused("moved, unprotected by hand", w.tryUp(), guard)
	w.protect(false)
	r.refused("moved and unprotected in one run", w.tryUp(), guard)
	move("ap-northeast-1")
	r.quietly("unprotected")
	w.protect(true)
	r.quietly("protected again")
	// The Automation API runs no preview of a destroy, so what is not protected may go
	// before Pulumi meets what is.
	if _, err := w.try(w.tryDestroy); err == nil || !strings.Contains(w.printed.String(), "because it is protected") {
		t.Errorf("a protected stack was destroyed, or kept for another reason: %v\n%s", err, w.printed.String())
	}
	r.there("destroyed")
	w.protect(false)
	w.up()
	r.quietly("unprotected again")
	move("us-east-1")
	w.up()
	if w.cluster().ClusterID == r.id {
		t.Error("the cluster did not move")
	}
	w.quiet()
	w.destroy()
}

// A deletion that the plan does not show is refused by the provider. By then Pulumi has
// deleted what depends on the cluster; the next up restores that.
func TestRows_refusedDelete(t *testing.T) {
	for _, adopted := range []bool{false, true} {
		t.Run(fmt.Sprintf("adopted %t", adopted), func(t *testing.T) {
			w := newWorld(t)
			if adopted {
				w.byHand("POST", tidbAPI, "/clusters", `{"displayName":"portfolio-db","region":{"name":"regions/aws-ap-northeast-1"}}`)
				w.sb.config["portfolio:adopt"] = "true"
			}
			w.protect(true)
			w.up()
			r := w.insert()
			urn := "urn:pulumi:" + stackName + "::portfolio::portfolio:index:Database$tidbcloud:index:Cluster::cluster"
			for _, refused := range []struct {
				when      string
				operation func(auto.Stack) error
			}{
				{"destroy", w.tryDestroy},
				{"--replace", w.tryUp(optup.Replace([]string{urn}))},
			} {
				w.protect(false) // in this run, so the state does not know of it
				w.on(w.unprotect)
				_, err := w.try(refused.operation)
				if err == nil || !strings.Contains(w.printed.String(), "has deletion protection, and deleting it would delete all its data") {
					t.Fatalf("%s: %v\n%s", refused.when, err, w.printed.String())
				}
				r.there(refused.when)
				w.protect(true)
				_, outputs, _ := w.up()
				r.there("after " + refused.when)
				w.query(w.workerURL(outputs), "SELECT 1")
				w.quiet()
			}
		})
	}
}

// With a key of another organization the cluster is not to be seen. That is an error
// everywhere, and the right key finds all as it was.
func TestRows_otherOrganization(t *testing.T) {
	for _, protect := range []bool{false, true} {
		t.Run(fmt.Sprintf("protect %t", protect), func(t *testing.T) {
			w := newWorld(t)
			w.protect(protect)
			w.up()
			r := w.insert()
			theirs := w.clouds.tidb.Neighbor
			public, private := w.clouds.env["TIDBCLOUD_PUBLIC_KEY"], w.clouds.env["TIDBCLOUD_PRIVATE_KEY"]
			if protect {
				w.sb.config["tidbcloud:publicKey"], w.sb.config["tidbcloud:privateKey"] = theirs.PublicKey, theirs.PrivateKey
			} else {
				w.clouds.env["TIDBCLOUD_PUBLIC_KEY"], w.clouds.env["TIDBCLOUD_PRIVATE_KEY"] = theirs.PublicKey, theirs.PrivateKey
			}
			says := "belongs to organization " + r.cluster().Labels["tidb.cloud/organization"] + ", and the API key to " + theirs.OrganizationID
			r.refused("preview", w.tryPreview, says)
			r.refused("up", w.tryUp(), says)
			r.refused("refresh", w.tryRefresh, says)
			if n := len(theirs.Clusters()); n != 0 {
				t.Errorf("%d clusters were made in the other organization", n)
			}
			w.clouds.env["TIDBCLOUD_PUBLIC_KEY"], w.clouds.env["TIDBCLOUD_PRIVATE_KEY"] = public, private
			delete(w.sb.config, "tidbcloud:publicKey")
			delete(w.sb.config, "tidbcloud:privateKey")
			r.quietly("with the right key again")
		})
	}
}

// A protected cluster that was deleted by hand is an error that names the ways out, and
// the first of them works.
func TestRows_clusterDeletedByHand(t *testing.T) {
	w := newWorld(t)
	w.protect(true)
	w.up()
	id := w.cluster().ClusterID
	w.byHand("DELETE", tidbAPI, "/clusters/"+id, "")
	for len(w.clouds.tidb.Clusters()) > 0 { // a refresh still reads one that is being deleted
		time.Sleep(10 * time.Millisecond)
	}
	for when, operation := range map[string]func(auto.Stack) error{"preview": w.tryPreview, "up": w.tryUp(), "refresh": w.tryRefresh} {
		calls, err := w.try(operation)
		if err == nil || !strings.Contains(w.printed.String(), "neither forgotten nor created again") {
			t.Errorf("%s: %v\n%s", when, err, w.printed.String())
		}
		w.noWrites(when, calls)
	}
	w.protect(false)
	w.up()
	_, outputs, _ := w.up()
	if w.cluster().ClusterID == id {
		t.Error("there is no new cluster")
	}
	w.query(w.workerURL(outputs), "SELECT 1")
	w.quiet()
}

// What was done to the database and its users by hand: a plain preview shows it, up
// repairs it, and the next one is quiet.
func TestRows_drift(t *testing.T) {
	w := newWorld(t)
	w.up()
	c := w.cluster()
	user := "/clusters/" + c.ClusterID + "/sqlUsers/" + c.UserPrefix
	root := w.insert()
	for _, test := range []struct {
		name     string
		hand     func()
		rotates  bool // the Worker is told another password
		preview  map[string]int
		emptied  bool
		restores string
	}{
		{"user deleted", func() { w.byHand("DELETE", tidbAPI, user+".api", "") }, true, map[string]int{"update": 2}, false, "no longer exists"},
		{"admin deleted", func() { w.byHand("DELETE", tidbAPI, user+".pulumi", "") }, false, nil, false, "no longer exists"},
		{"another role", func() { w.byHand("PATCH", tidbAPI, user+".api", `{"builtinRole":"role_admin"}`) }, false, map[string]int{"update": 1}, false, "its role is role_admin"},
		{"another password", func() {
			w.byHand("PATCH", tidbAPI, user+".api", `{"password":"set-by-hand-1234"}`)
			w.on(w.ages)
		}, true, map[string]int{"update": 2}, false, "cannot log in"},
		{"database dropped", func() { w.query(root.url, "DROP DATABASE portfolio") }, false, map[string]int{"update": 1}, true, "no longer exists"},
	} {
		test.hand()
		changed := w.preview()
		if test.preview != nil {
			w.want(test.name+": preview", changed, test.preview)
		} else if changed["update"] == 0 || len(changed) != 1 {
			t.Errorf("%s: preview shows %v", test.name, changed)
		}
		if !strings.Contains(w.printed.String(), test.restores) {
			t.Errorf("%s: %q is not said:\n%s", test.name, test.restores, w.printed.String())
		}
		_, outputs, _ := w.up()
		w.query(w.workerURL(outputs), "SELECT 1")
		if !test.emptied {
			root.there(test.name)
		}
		w.quiet()
	}
}
