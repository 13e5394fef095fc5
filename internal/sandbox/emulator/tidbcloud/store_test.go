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
	clock := new(clock)
	start := func() (*client, *tidbcloud.Cloud) {
		cloud := &tidbcloud.Cloud{PublicKey: publicKey, PrivateKey: privateKey, Now: clock.Now, File: file}
		if err := cloud.Load(); err != nil {
			t.Fatal(err)
		}
		return serve(t, cloud), cloud
	}

	c, _ := start()
	old := sign(t, c.get("").challenge(), 1, privateKey)
	id := c.create("cluster", `,"labels":{"a":"b"},"rootPassword":"correct horse"`)
	held := c.create("held", "")

	clock.Advance(2 * time.Second)
	c, cloud := start()
	c.do("GET", clusterPath(id), "").want(200, `"state":"CREATING"`)
	if err := cloud.SetState(held, "INACTIVE"); err != nil {
		t.Fatal(err)
	}
	clock.Advance(time.Second)
	before := c.do("GET", clusterPath(id), "").want(200, `"state":"ACTIVE"`, `"a":"b"`)
	name := c.createUser(id, "api")

	c, cloud = start()
	c.do("GET", clusterPath(id), "").want(200).wantSame(before)
	c.do("GET", clusterPath(held), "").want(200, "INACTIVE")
	if !cloud.CheckPassword(id, name, "correct horse") || cloud.CheckPassword(id, name, "wrong horse") {
		t.Error("the user has another password after the restart")
	}
	if !c.get(old).want(401).challenge().Stale {
		t.Error("a nonce from before the restart is not called stale")
	}
}

// TestCloud_secrets looks for passwords and the private key, plain and encoded, in
// all answers and in the state file.
func TestCloud_secrets(t *testing.T) {
	cloud := newCloud()
	cloud.File = filepath.Join(t.TempDir(), "state.json")
	c := serve(t, cloud)
	const secret = "horse battery staple"
	var said strings.Builder
	record := func(a answer) answer {
		said.WriteString(a.raw)
		_ = a.header.Write(&said)
		return a
	}
	cluster := `,` + tokyo + `,"rootPassword":"` + secret + `"}`
	id := record(c.do("POST", clustersPath, `{"displayName":"cluster"`+cluster)).want(200).str("clusterId")
	users, root := clusterPath(id, "sqlUsers"), clusterPath(id, "password")
	user := `{"userName":"api","autoPrefix":true,"builtinRole":"role_readwrite",` + nativeAuth + `,"password":"` + secret + `"`
	name := record(c.do("POST", users, user+"}")).want(200).str("userName")
	for _, call := range []struct {
		method, path, body string
		status             int
	}{
		{"PUT", root, `{"password":"` + secret + `"}`, 200},
		{"PATCH", users + "/" + name, `{"password":"` + secret + `"}`, 200},
		{"GET", clusterPath(id), "", 200},
		{"GET", users, "", 200},
		{"GET", users + "/" + name, "", 200},
		{"POST", clustersPath, `{"displayName":"x"` + cluster, 400},
		{"POST", users, user + "}", 400},
		{"POST", users, user + `,"x":"y"}`, 400},
		{"POST", users, user + "}}", 400},
		{"PATCH", users + "/" + name, `{"password":["` + secret + `"]}`, 400},
		{"PUT", root, `{"password":{"x":"` + secret + `"}}`, 400},
		{"PUT", root, `"` + secret + `"`, 400},
	} {
		record(c.do(call.method, call.path, call.body)).want(call.status)
	}
	for _, header := range []string{"", "Bearer " + privateKey, "Digest " + privateKey} {
		record(c.get(header)).want(401)
	}

	kept, err := os.ReadFile(cloud.File)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{secret, privateKey} {
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
