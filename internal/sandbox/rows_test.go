package main

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optup"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"

	"portfolio-infra/internal/sandbox/engine"
)

// rows is a table that no operation of the stack may lose.
type rows struct {
	*world
	id  string // of the cluster
	url string // of root, who outlives what the stack does to its users
}

// insert creates the table.
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
	for op, n := range r.up().changes {
		if op != "update" {
			r.Errorf("%s: %d %s\n%s", when, n, op, r.printed.String())
		}
	}
	r.there(when)
	r.serves()
	r.quiet()
}

// refuses runs an operation that must fail with these texts and write nothing.
func (r *rows) refuses(when, verb string, texts ...string) {
	r.Helper()
	r.noWrites(when, r.fails(verb, texts...).calls)
	r.there(when)
}

// edit changes each resource in the state.
func (w *world) edit(change func(*apitype.ResourceV3)) {
	w.Helper()
	err := w.on(func(s auto.Stack) error {
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
	})
	if err != nil {
		w.Fatal(err)
	}
}

// unprotect does what `pulumi state unprotect --all` does.
func (w *world) unprotect() { w.edit(func(r *apitype.ResourceV3) { r.Protect = false }) }

func (w *world) protect(on bool) { w.set(map[string]any{"protect": fmt.Sprint(on)}) }

// The keys move from the environment to the config and back, an endpoint is set to the value
// in use, and the keys are another organization's for a while: the provider's configuration
// changes, and its resources stay.
func TestRows_providerConfig(t *testing.T) {
	for _, protect := range []bool{false, true} {
		t.Run(fmt.Sprintf("protect %t", protect), func(t *testing.T) {
			w := newWorld(t)
			w.protect(protect)
			w.up()
			r := w.insert()
			inEnv := func(public, private string) {
				w.Env["TIDBCLOUD_PUBLIC_KEY"], w.Env["TIDBCLOUD_PRIVATE_KEY"] = public, private
			}
			inConfig := func(public, private any) {
				w.set(map[string]any{"tidbcloud:publicKey": public, "tidbcloud:privateKey": private})
			}
			public, private := w.clouds.TiDB.PublicKey, w.clouds.TiDB.PrivateKey
			theirs := w.clouds.TiDB.Neighbor

			inConfig(public, private)
			inEnv("", "")
			r.quietly("with the keys in the config")
			w.set(map[string]any{"tidbcloud:serverlessEndpoint": w.Env[tidbAPI]})
			r.quietly("with an endpoint in the config")
			inConfig(nil, nil)
			inEnv(public, private)
			r.quietly("with the keys in the environment again")
			w.set(map[string]any{"tidbcloud:serverlessEndpoint": nil})
			r.quietly("with the endpoint in the environment again")

			// The cluster of another organization cannot be seen. That is an error in every
			// operation, and with the right key everything is as it was.
			if protect {
				inConfig(theirs.PublicKey, theirs.PrivateKey)
			} else {
				inEnv(theirs.PublicKey, theirs.PrivateKey)
			}
			says := "belongs to organization " + w.cluster().Labels["tidb.cloud/organization"] + ", and the API key to " + theirs.OrganizationID
			for _, verb := range []string{"preview", "up", "refresh"} {
				r.refuses(verb+" with another organization's key", verb, says)
			}
			if n := len(theirs.Clusters()); n != 0 {
				t.Errorf("%d clusters were created in the other organization", n)
			}
			inConfig(nil, nil)
			inEnv(public, private)
			r.quietly("with the right key again")
		})
	}
}

// Protection goes on and off; what it forbids is refused before anything changed, and by the
// value of the run before.
func TestRows_protection(t *testing.T) {
	w := newWorld(t)
	w.protect(true)
	w.up()
	r := w.insert()
	protected := "has deletion protection, and moving it to another region would delete all its data"
	move := func(to string) { w.set(map[string]any{"region": "regions/aws-" + to}) }

	move("us-east-1")
	r.refuses("moved, previewed", "preview", protected)
	r.refuses("moved", "up", protected, "pulumi config set protect false")
	w.unprotect() // Pulumi's own protection; the cluster's is still on
	r.refuses("moved, unprotected by hand", "up", protected)
	w.protect(false)
	r.refuses("moved and unprotected in one run", "up", protected)
	move("ap-northeast-1")
	r.quietly("unprotected")
	w.protect(true)
	r.quietly("protected again")
	// The Automation API runs no preview of a destroy, so what is not protected may go
	// before Pulumi meets what is.
	w.fails("destroy", "because it is protected")
	r.there("destroyed")
	w.up()
	r.there("after the refused destroy")

	// A protected cluster that was deleted by hand is an error that names the ways out, and
	// the first of them works.
	cluster := w.cluster()
	w.byHand("DELETE", tidbAPI, "/clusters/"+r.id, "")
	w.untilDeleted()
	for _, verb := range []string{"preview", "up", "refresh"} {
		w.noWrites(verb, w.fails(verb, "neither forgotten nor made anew").calls)
	}
	w.protect(false)
	w.up()
	w.up()
	w.moved(&cluster)
	w.serves()
	w.quiet()
	move("us-east-1")
	w.up()
	w.moved(&cluster)
	w.quiet()
	w.run("destroy")
}

// A deletion that the plan does not show is refused by the provider. By then Pulumi has
// deleted what depends on the cluster; the next up restores that.
func TestRows_refusedDelete(t *testing.T) {
	for _, adopted := range []bool{false, true} {
		t.Run(fmt.Sprintf("adopted %t", adopted), func(t *testing.T) {
			w := newWorld(t)
			if adopted {
				w.byHand("POST", tidbAPI, "/clusters", `{"displayName":"portfolio-db","region":{"name":"regions/aws-ap-northeast-1"}}`)
				w.set(map[string]any{"adopt": "true"})
			}
			w.protect(true)
			w.up()
			r := w.insert()
			urn := "urn:pulumi:" + engine.Stack + "::portfolio::portfolio:index:Database$tidbcloud:index:Cluster::cluster"
			for _, refused := range []struct {
				verb    string
				options []optup.Option
			}{
				{"destroy", nil},
				{"up", []optup.Option{optup.Replace([]string{urn})}},
			} {
				w.protect(false) // in this run, so the state does not know of it
				w.unprotect()
				if w.try(refused.verb, refused.options...).err == nil {
					t.Fatalf("%s succeeded:\n%s", refused.verb, w.printed.String())
				}
				w.says(refused.verb, "has deletion protection, and deleting it would delete all its data")
				r.there(refused.verb)
				w.protect(true)
				w.up()
				r.there("after " + refused.verb)
				w.serves()
				w.quiet()
			}
		})
	}
}

// What was done to the database and its users by hand: a plain preview shows it, up repairs
// it, and the next one is quiet.
func TestRows_drift(t *testing.T) {
	w := newWorld(t)
	w.up()
	c := w.cluster()
	user := "/clusters/" + c.ClusterID + "/sqlUsers/" + c.UserPrefix
	root := w.insert()
	// Of a password that was set long ago a refused login is no matter of a new one.
	age := func() { w.edit(func(r *apitype.ResourceV3) { delete(r.Outputs, "passwordSetAt") }) }
	for _, test := range []struct {
		name    string
		byHand  func()
		updates int // 0 is any number
		empties bool
		says    string
	}{
		{"user deleted", func() { w.byHand("DELETE", tidbAPI, user+".api", "") }, 2, false, "no longer exists"},
		{"admin deleted", func() { w.byHand("DELETE", tidbAPI, user+".pulumi", "") }, 0, false, "no longer exists"},
		{"another role", func() { w.byHand("PATCH", tidbAPI, user+".api", `{"builtinRole":"role_admin"}`) }, 1, false, "its role is role_admin"},
		{"another password", func() { w.byHand("PATCH", tidbAPI, user+".api", `{"password":"set-by-hand-1234"}`); age() }, 2, false, "cannot log in"},
		{"database dropped", func() { w.query(root.url, "DROP DATABASE portfolio") }, 1, true, "no longer exists"},
	} {
		t.Log(test.name)
		test.byHand()
		changes := w.run("preview").changes
		if n := changes["update"]; n == 0 || test.updates > 0 && n != test.updates || len(changes) != 1 {
			t.Errorf("%s: preview shows %v", test.name, changes)
		}
		w.says("preview", test.says)
		w.up()
		w.serves()
		if !test.empties {
			root.there(test.name)
		}
		w.quiet()
	}
}
