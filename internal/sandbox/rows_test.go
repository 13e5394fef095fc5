package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optup"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"

	"portfolio-infra/internal/sandbox/emulator/tidbcloud"
)

// rows is a table that no operation of the stack may lose.
type rows struct {
	*fixture
	id  string // of the cluster
	url string // of root, who outlives what the stack does to its users
}

// insert creates the table.
func (f *fixture) insert() *rows {
	f.Helper()
	const password = "recognizable-root"
	c := f.cluster()
	user := "/clusters/" + c.ClusterID + "/sqlUsers/" + c.UserPrefix + ".root"
	f.byHand("PATCH", tidbAPI, user, `{"password":"`+password+`"}`)
	r := &rows{f, c.ClusterID, fmt.Sprintf("mysql://%s.root:%s@%s:%d/portfolio", c.UserPrefix, password, c.Endpoints.Public.Host, c.Endpoints.Public.Port)}
	r.query(r.url, "CREATE TABLE precious (id INT PRIMARY KEY, text VARCHAR(100))")
	r.query(r.url, "INSERT INTO precious VALUES (1, 'still here')")
	return r
}

// intact checks that the one cluster still has the rows.
func (r *rows) intact(when string) {
	r.Helper()
	if id := r.cluster().ClusterID; id != r.id {
		r.Fatalf("%s: cluster %s became %s", when, r.id, id)
	}
	r.want("the rows "+when, r.query(r.url, "SELECT text FROM precious"), "text\nstill here\n")
}

// upInPlace runs an up that must replace, delete and create nothing.
func (r *rows) upInPlace(when string) {
	r.Helper()
	for op, n := range r.up().changes {
		if op != "update" {
			r.Errorf("%s: %d %s\n%s", when, n, op, r.printed.String())
		}
	}
	r.intact(when)
	r.serves()
	r.noChanges()
}

// refuses runs an operation that must fail with these texts and write nothing.
func (r *rows) refuses(when, verb string, texts ...string) {
	r.Helper()
	r.noWrites(when, r.fails(verb, texts...).calls)
	r.intact(when)
}

// edit changes each resource in the state.
func (f *fixture) edit(change func(*apitype.ResourceV3)) {
	f.Helper()
	err := f.on(func(s auto.Stack) error {
		state, err := s.Export(f.Context())
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
		return s.Import(f.Context(), state)
	})
	if err != nil {
		f.Fatal(err)
	}
}

// unprotect does what `pulumi state unprotect --all` does.
func (f *fixture) unprotect() { f.edit(func(r *apitype.ResourceV3) { r.Protect = false }) }

func (f *fixture) protect(on bool) { f.set(map[string]any{"protect": fmt.Sprint(on)}) }

// The provider's configuration changes, and its resources stay: the keys move from the
// environment to the config and back, an endpoint is set to the value in use, and the keys are
// another organization's for a while.
func TestRows_providerConfig(t *testing.T) {
	f := newFixture(t)
	f.protect(true)
	f.up()
	r := f.insert()
	inEnv := func(public, private string) {
		f.Env["TIDBCLOUD_PUBLIC_KEY"], f.Env["TIDBCLOUD_PRIVATE_KEY"] = public, private
	}
	inConfig := func(public, private any) {
		f.set(map[string]any{"tidbcloud:publicKey": public, "tidbcloud:privateKey": private})
	}
	public, private := f.clouds.TiDB.PublicKey, f.clouds.TiDB.PrivateKey
	theirs := f.beside(&tidbcloud.Cloud{PublicKey: "neighbor", PrivateKey: "neighbors-private-key", OrganizationID: "1372813089200000099"})

	inConfig(public, private)
	inEnv("", "")
	r.upInPlace("with the keys in the config")
	f.set(map[string]any{"tidbcloud:serverlessEndpoint": f.Env[tidbAPI]})
	r.upInPlace("with an endpoint in the config")
	inConfig(nil, nil)
	inEnv(public, private)
	r.upInPlace("with the keys in the environment again")
	f.set(map[string]any{"tidbcloud:serverlessEndpoint": nil})
	r.upInPlace("with the endpoint in the environment again")

	// The cluster of another organization cannot be seen. That is an error in every
	// operation, and with the right key everything is as it was.
	inConfig(theirs.PublicKey, theirs.PrivateKey)
	says := "belongs to organization " + f.cluster().Labels["tidb.cloud/organization"] + ", and the API key to " + theirs.OrganizationID
	for _, verb := range []string{"preview", "up", "refresh"} {
		r.refuses(verb+" with another organization's key", verb, says)
	}
	if n := len(theirs.Clusters()); n != 0 {
		t.Errorf("%d clusters were created in the other organization", n)
	}
	inConfig(nil, nil)
	inEnv(public, private)
	r.upInPlace("with the right key again")
}

// beside puts another organization at the address of TiDB Cloud. Calls with its key get it.
func (f *fixture) beside(theirs *tidbcloud.Cloud) *tidbcloud.Cloud {
	f.Helper()
	address, err := url.Parse(strings.TrimSuffix(f.Env[tidbAPI], "/v1beta1"))
	if err != nil {
		f.Fatal(err)
	}
	ours := httputil.NewSingleHostReverseProxy(address)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.Header.Get("Authorization"), `username="`+theirs.PublicKey+`"`) {
			theirs.ServeHTTP(w, r)
			return
		}
		ours.ServeHTTP(w, r)
	}))
	f.Cleanup(server.Close)
	f.Env[tidbAPI], f.Env["TIDBCLOUD_IAM_ENDPOINT"] = server.URL+"/v1beta1", server.URL+"/v1beta1"
	return theirs
}

// A deletion that the plan does not show is refused by the provider. By then Pulumi has
// deleted what depends on the cluster; the next up restores that.
func TestRows_refusedDelete(t *testing.T) {
	f := newFixture(t)
	f.protect(true)
	f.up()
	r := f.insert()
	for _, refused := range []struct {
		verb    string
		options []optup.Option
	}{
		{"destroy", nil},
		{"up", []optup.Option{optup.Replace([]string{f.urn("Cluster", "cluster")})}},
	} {
		f.protect(false) // in this run, so the state does not know of it
		f.unprotect()
		if f.try(refused.verb, refused.options...).err == nil {
			t.Fatalf("%s succeeded:\n%s", refused.verb, f.printed.String())
		}
		f.says(refused.verb, "has deletion protection, and deleting it would delete all its data")
		r.intact(refused.verb)
		f.protect(true)
		f.up()
		r.intact("after " + refused.verb)
		f.serves()
		f.noChanges()
	}
}
