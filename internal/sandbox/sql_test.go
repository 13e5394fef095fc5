package main

import (
	"bytes"
	"net/url"
	"strings"
	"testing"
)

func TestSandbox_explain(t *testing.T) {
	u, err := url.Parse("mysql://3pT.api:hunter2@gw.example.com:4000/shop?sslaccept=strict")
	if err != nil {
		t.Fatal(err)
	}
	for _, real := range []bool{false, true} {
		var out bytes.Buffer
		s := &sandbox{root: "/p", dir: "/p/.sandbox", stdout: &out}
		s.explain(u, sqlRequest{real: real, admin: real})
		for _, want := range []string{"mysql --host=gw.example.com --port=4000 --user=3pT.api --ssl-mode=VERIFY_", " shop\n", "export MYSQL_PWD=\"$(bin/sandbox sql"} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("real %t: %q is not in\n%s", real, want, out.String())
			}
		}
		if strings.Contains(out.String(), "hunter2") {
			t.Errorf("real %t: the password is shown:\n%s", real, out.String())
		}
		if strings.Contains(out.String(), "sql -admin -real -password") != real || strings.Contains(out.String(), "serve -detach") == real {
			t.Errorf("real %t:\n%s", real, out.String())
		}
	}
}

func TestKindOf(t *testing.T) {
	for call, want := range map[string]string{
		"GET /v1beta1/clusters?pageSize=100":                        "GET /v1beta1/clusters",
		"PATCH /v1beta1/clusters/10976177500754255260":              "PATCH /v1beta1/clusters/*",
		"DELETE /v1beta1/clusters/109/sqlUsers/5MRh.api":            "DELETE /v1beta1/clusters/*/sqlUsers/*",
		"PUT /client/v4/accounts/0123abcd/workers/scripts/api-test": "PUT /client/v4/accounts/*/workers/scripts/api-test",
	} {
		if have := kindOf(call); have != want {
			t.Errorf("%s: %s, want %s", call, have, want)
		}
	}
}

func TestQuietRun(t *testing.T) {
	for out, want := range map[string]bool{
		"Resources:\n    12 unchanged\n\nDuration: 1s\n":                             true,
		"Resources:\n    ~ 1 updated\n    11 unchanged\n\nDuration: 1s\n":            false,
		"Resources:\n    + 1 created\n    1 changes. 11 unchanged\n\nDuration: 1s\n": false,
	} {
		if have := quietRun.MatchString(out); have != want {
			t.Errorf("%q: %t", out, have)
		}
	}
}
