package tidbcloud_test

import (
	"encoding/base64"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

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
	id := c.create("cluster", "")
	users := clusterPath(id, "sqlUsers")
	user := `{"userName":"api","autoPrefix":true,"builtinRole":"role_readwrite",` + nativeAuth + `,"password":"` + secret + `"`
	name := record(c.do("POST", users, user+"}")).want(200).str("userName")
	for _, call := range []struct {
		method, path, body string
		status             int
	}{
		{"PATCH", users + "/" + name, `{"password":"` + secret + `"}`, 200},
		{"GET", clusterPath(id), "", 200},
		{"GET", users, "", 200},
		{"GET", users + "/" + name, "", 200},
		{"POST", users, user + "}", 400},
		{"POST", users, user + `,"x":"y"}`, 400},
		{"POST", users, user + "}}", 400},
		{"PATCH", users + "/" + name, `{"password":["` + secret + `"]}`, 400},
		{"PATCH", users + "/" + name, `{"password":{"x":"` + secret + `"}}`, 400},
		{"PATCH", users + "/" + name, `"` + secret + `"`, 400},
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
