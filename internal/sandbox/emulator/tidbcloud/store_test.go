package tidbcloud_test

import (
	"encoding/base64"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"portfolio-infra/internal/sandbox/emulator/tidbcloud"
)

func TestCloud_File_restart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state.json")
	ticks := newClock()
	start := func() (*client, *tidbcloud.Cloud) {
		cloud := &tidbcloud.Cloud{PublicKey: publicKey, PrivateKey: privateKey, Now: ticks.Now, File: file}
		if err := cloud.Load(); err != nil {
			t.Fatal(err)
		}
		return serve(t, cloud), cloud
	}

	c, _ := start()
	id := c.create("cluster", `,"labels":{"a":"b"},"rootPassword":"correct horse"`)
	gone := c.create("gone", "")
	stuck := c.create("stuck", "")

	ticks.Advance(2 * time.Second)
	c, cloud := start()
	c.do("GET", clusterPath(id), "").want(200, `"state":"CREATING"`)
	c.do("DELETE", clusterPath(gone), "").want(200)
	if err := cloud.SetState(stuck, "INACTIVE"); err != nil {
		t.Fatal(err)
	}
	ticks.Advance(time.Second)
	before := c.do("GET", clusterPath(id), "").want(200, `"state":"ACTIVE"`, `"a":"b"`)
	name := c.createUser(id, "api")

	c, cloud = start()
	if after := c.do("GET", clusterPath(id), "").want(200); after.raw != before.raw {
		t.Errorf("before the restart\n%s\nafter it\n%s", before.raw, after.raw)
	}
	c.do("GET", clusterPath(gone), "").want(404)
	c.do("GET", clusterPath(stuck), "").want(200, "INACTIVE")
	if !cloud.CheckPassword(id, name, "correct horse") || cloud.CheckPassword(id, name, "wrong horse") {
		t.Error("the user cannot log in after the restart")
	}
	if other := c.create("another", ""); other == id || len(cloud.Clusters()) != 3 {
		t.Errorf("there are %+v", cloud.Clusters())
	}
}

func TestCloud_File_broken(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state.json")
	if err := os.WriteFile(file, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	cloud := newCloud()
	cloud.File = file
	if err := cloud.Load(); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("the error is %v", err)
	}
	c := serve(t, cloud)
	c.do("GET", "/v1beta1/clusters", "").want(500, `"code":500`, file)
	if cloud.Clusters() != nil {
		t.Error("there are clusters")
	}
}

func TestCloud_File_unwritable(t *testing.T) {
	cloud := newCloud()
	cloud.File = filepath.Join(t.TempDir(), "nowhere", "state.json")
	c := serve(t, cloud)
	c.do("POST", "/v1beta1/clusters", `{"displayName":"cluster",`+tokyo+`}`).want(500, "saving the state")
	if got := c.list(""); len(got) != 0 {
		t.Errorf("a request that failed made %v", got)
	}
}

// TestCloud_secrets looks for every secret, plain and encoded, in everything that
// the cloud says and keeps.
func TestCloud_secrets(t *testing.T) {
	cloud := newCloud()
	cloud.File = filepath.Join(t.TempDir(), "state.json")
	c := serve(t, cloud)
	const root, root2, user, user2 = "root horse battery", "root staple again", "user horse battery", "user staple again"
	var said strings.Builder
	do := func(method, path, body string) answer {
		a := c.do(method, path, body)
		said.WriteString(a.raw)
		_ = a.header.Write(&said)
		return a
	}
	id := do("POST", "/v1beta1/clusters", `{"displayName":"cluster",`+tokyo+`,"rootPassword":"`+root+`"}`).want(200).str("clusterId")
	do("PUT", clusterPath(id, "password"), `{"password":"`+root2+`"}`).want(200)
	body := func(more string) string {
		return `{"userName":"api","password":"` + user + `","autoPrefix":true,"builtinRole":"role_readwrite",` + nativeAuth + more + `}`
	}
	name := do("POST", clusterPath(id, "sqlUsers"), body("")).want(200).str("userName")
	path := clusterPath(id, "sqlUsers", name)
	do("PATCH", path, `{"password":"`+user2+`"}`).want(200)
	do("POST", clusterPath(id, "sqlUsers"), body("")).want(400)
	do("POST", clusterPath(id, "sqlUsers"), body(`,"x":"y"`)).want(400)
	do("POST", clusterPath(id, "sqlUsers"), body("")+"}").want(400)
	do("PATCH", path, `{"password":["`+user2+`"]}`).want(400)
	do("PUT", clusterPath(id, "password"), `{"password":{"x":"`+root2+`"}}`).want(400)
	do("PUT", clusterPath(id, "password"), `"`+root2+`"`).want(400)
	do("POST", "/v1beta1/clusters", `{"displayName":"x",`+tokyo+`,"rootPassword":"`+root+`"}`).want(400)
	do("GET", clusterPath(id), "").want(200)
	do("GET", path, "").want(200)
	do("GET", clusterPath(id, "sqlUsers"), "").want(200)
	for _, header := range []string{"", "Basic " + base64.StdEncoding.EncodeToString([]byte(publicKey+":"+privateKey)), "Digest " + privateKey} {
		a := c.get(header).want(401)
		said.WriteString(a.raw)
		_ = a.header.Write(&said)
	}

	kept, err := os.ReadFile(cloud.File)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{root, root2, user, user2, privateKey} {
		for _, form := range []string{secret, base64.StdEncoding.EncodeToString([]byte(secret)), hex.EncodeToString([]byte(secret))} {
			if strings.Contains(said.String(), form) {
				t.Errorf("an answer holds %q", form)
			}
			if strings.Contains(string(kept), form) {
				t.Errorf("the state file holds %q", form)
			}
		}
	}
}
