package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

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

func (f *fixture) protect(on bool) { f.set(map[string]any{"protect": fmt.Sprint(on)}) }

// The provider's configuration changes, and its resources stay: the keys and an endpoint move
// from the environment to the config and back, and the keys are another organization's for a while.
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
	f.set(map[string]any{"tidbcloud:serverlessEndpoint": f.Env[tidbAPI]})
	r.upInPlace("with the keys and an endpoint in the config")

	// The cluster of another organization cannot be seen. That is an error in every
	// operation, and with the right key everything is as it was.
	inConfig(theirs.PublicKey, theirs.PrivateKey)
	says := "belongs to organization " + f.cluster().Labels["tidb.cloud/organization"] + ", and the API key to " + theirs.OrganizationID
	for _, verb := range []string{"preview", "up", "refresh"} {
		f.noWrites(verb, f.fails(verb, says).calls)
	}
	if n := len(theirs.Clusters()); n != 0 {
		t.Errorf("%d clusters were created in the other organization", n)
	}
	f.set(map[string]any{"tidbcloud:publicKey": nil, "tidbcloud:privateKey": nil, "tidbcloud:serverlessEndpoint": nil})
	inEnv(public, private)
	r.upInPlace("with all of it in the environment again")
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
