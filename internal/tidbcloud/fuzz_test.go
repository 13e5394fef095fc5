package tidbcloud

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"portfolio-infra/internal/rest"
	"portfolio-infra/internal/rest/resttest"
)

const fuzzKey = "hunter2-hunter2-hunter2"

// recorder keeps the credentials of the requests that it passes on.
type recorder struct {
	resttest.Fixed
	credentials []string
}

func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	r.credentials = append(r.credentials, req.Header.Get("Authorization"))
	return r.Fixed.RoundTrip(req)
}

// fuzzClient returns a client whose calls end instead of waiting for a second try.
func fuzzClient(t *testing.T, transport http.RoundTripper) (*Client, context.Context) {
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	return &Client{
		PublicKey: "public", PrivateKey: fuzzKey, Transport: transport,
		OnWait: func(context.Context, time.Duration, string) { cancel() },
	}, ctx
}

// A decoded cluster has an ID, and a connectable one has all that it takes.
func FuzzCluster_UnmarshalJSON(f *testing.F) {
	for _, seed := range []string{
		`{"name":"clusters/1","clusterId":"1","displayName":"portfolio-db","region":{"name":"regions/aws-us-east-1"},"state":"ACTIVE","labels":{"a":"b"},
			"spendingLimit":{"monthly":500},"endpoints":{"public":{"host":"h","port":4000,"authorizedNetworks":[{"startIpAddress":"0.0.0.0"}]}},"userPrefix":"p"}`,
		`{"name":"clusters/1"}`, `{"name":"clusters/"}`, `{"clusterId":""}`, "{}", "null", "[]", `{"clusterId":1}`, `{"clusterId":"1","region":null,"endpoints":{"public":null}}`,
		`{"clusterId":"1","endpoints":{"public":{"port":1e99}}}`, `{"CLUSTERID":"1","state":"ACTIVE"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var c Cluster
		if err := json.Unmarshal(b, &c); err != nil {
			return
		}
		if c.ID == "" {
			t.Errorf("%q has no ID", b)
		}
		if c.Connectable() && (c.State != StateActive || c.Host == "" || c.Port == 0 || c.UserPrefix == "") {
			t.Errorf("nobody can connect to %+v", c)
		}
		if strings.ContainsAny(c.DisplayName, "\n\"") && strings.Contains(c.String(), c.DisplayName) {
			t.Errorf("it is shown as %q", c.String())
		}
		// It is an item of a list; null is not.
		for list, want := range map[string]int{"[" + string(b) + "]": 1, "[" + string(b) + ",null]": 0} {
			var all []Cluster
			err := json.Unmarshal([]byte(list), &all)
			if (err == nil) != (want == 1) || err == nil && len(all) != want {
				t.Errorf("%s is read as %+v, %v", list, all, err)
			}
		}
	})
}

// A decoded user has a name and a role without prefix.
func FuzzSQLUser_UnmarshalJSON(f *testing.F) {
	for _, seed := range []string{
		`{"userName":"p.api","builtinRole":"role_readwrite"}`, `{"userName":"p.api","builtinRole":"p.role_readonly"}`, `{"userName":"root"}`,
		`{"userName":"a","builtinRole":"."}`, `{"userName":""}`, "{}", "null", `{"userName":null}`, `{"userName":1}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var u SQLUser
		if err := json.Unmarshal(b, &u); err != nil {
			return
		}
		if u.FullName == "" || strings.Contains(string(u.Role), ".") {
			t.Errorf("%q is read as %+v", b, u)
		}
		written, err := json.Marshal(map[string]any{"userName": u.FullName, "builtinRole": wireRole(u.FullName, u.Role)})
		if err != nil {
			t.Fatal(err)
		}
		var again SQLUser
		if err := json.Unmarshal(written, &again); err != nil || again != u {
			t.Errorf("%+v becomes %+v, %v", u, again, err)
		}
	})
}

// Whatever the API responds to a list, the calls end, and each cluster has an ID.
func FuzzClient_ListClusters(f *testing.F) {
	for _, seed := range []struct {
		status uint16
		body   string
	}{
		{200, `{"clusters":[{"clusterId":"1"}]}`}, {200, `{"clusters":[{"clusterId":"1"},{}]}`}, {200, `{"clusters":[null]}`}, {200, "{}"}, {200, "null"},
		{200, `{"clusters":[],"nextPageToken":"x"}`}, {200, `{"clusters":{}}`}, {200, `{"nextPageToken":1}`}, {200, ""}, {200, "<html>"},
		{400, `{"code":49900007,"message":"no\nsuch","details":["bizErrorCode: 49900001"]}`}, {429, ""}, {500, `{"error":{"a":1},"msgPrefix":"p"}`}, {302, ""},
	} {
		f.Add(seed.status, []byte(seed.body))
	}
	f.Fuzz(func(t *testing.T, status uint16, body []byte) {
		if status == http.StatusUnauthorized {
			return // see FuzzDigest
		}
		a := &recorder{Fixed: resttest.Fixed{Status: int(status), Body: body}}
		c, ctx := fuzzClient(t, a)
		all, err := c.ListClusters(ctx)
		if n := len(a.credentials); n > 2 {
			t.Errorf("%d requests", n)
		}
		if err != nil {
			resttest.CheckReadable(t, err, fuzzKey)
			return
		}
		var object map[string]json.RawMessage
		if status < 200 || status > 299 || json.Unmarshal(body, &object) != nil || object == nil {
			t.Errorf("%d %q is a list: %+v", status, body, all)
		}
		for _, cluster := range all {
			if cluster.ID == "" {
				t.Errorf("a cluster without an ID: %+v", cluster)
			}
		}
	})
}

// A body that is not JSON has neither a code nor a message.
func FuzzDecodeError(f *testing.F) {
	for _, seed := range []string{
		`{"code":49900007,"message":"m","details":[{"metadata":"bizErrorCode: 49900001"}]}`, `{"code":"x","error":"y","msgPrefix":"z","status":400}`,
		`{"error":{"message":"y"}}`, `{"msgPrefix":"z"}`, `{"code":null,"message":null}`, "null", "[]", "{}", "", `"x"`, `{"message":1,"error":"y"}`,
		`{"message":"the quota of free clusters is reached"}`,
	} {
		f.Add(uint16(400), []byte(seed))
	}
	f.Fuzz(func(t *testing.T, status uint16, body []byte) {
		code, message := decodeError(int(status), nil, body)
		if (code != "" || message != "") && !json.Valid(body) {
			t.Errorf("%q has code %q and message %q", body, code, message)
		}
		e := &rest.Error{Service: "TiDB Cloud", Method: http.MethodPost, URL: "https://x/clusters", Status: int(status), Code: code, Message: message}
		e.Suggestion = suggest(e)
		if strings.HasSuffix(e.Suggestion, ".") {
			t.Errorf("the suggestion is %q", e.Suggestion)
		}
		resttest.CheckReadable(t, e, fuzzKey)
	})
}

// Whatever the challenge, refused keys are a 401, after a few requests that show the public
// key at most.
func FuzzDigest(f *testing.F) {
	for _, seed := range [][2]string{
		{`Digest realm="tidb.cloud", qop="auth", nonce="n", algorithm=MD5`, ""}, {`Digest realm="r", nonce="n"`, ""},
		{`Digest realm="r", nonce="n", qop="auth-int"`, `{"clusterId":"1"}`}, {`Digest realm="r", nonce="n", algorithm=SHA-256, userhash=true`, "x"},
		{`Digest realm="r", nonce="n", algorithm=MD5-sess`, ""}, {"Digest", ""}, {"Digest ", ""}, {"", ""}, {`Basic realm="r"`, ""}, {`Digest nonce="`, ""},
		{"Digest nonce=\"\r\nX: y\"", ""}, {`Digest realm="ü", nonce="\"", opaque="\\"`, ""}, {`digest stale=TRUE, nonce=a`, ""}, {"Digest qop=\",auth\"", ""},
	} {
		f.Add(seed[0], []byte(seed[1]))
	}
	f.Fuzz(func(t *testing.T, challenge string, body []byte) {
		a := &recorder{Fixed: resttest.Fixed{Status: http.StatusUnauthorized, Header: http.Header{"Www-Authenticate": {challenge}}, Body: body}}
		c, ctx := fuzzClient(t, a)
		_, err := c.CreateCluster(ctx, CreateClusterRequest{DisplayName: "portfolio-db"})
		if !rest.StatusIs(err, http.StatusUnauthorized) || rest.Ambiguous(err) {
			t.Fatalf("the error is %v, ambiguous %t", err, rest.Ambiguous(err))
		}
		resttest.CheckReadable(t, err, fuzzKey)
		if n := len(a.credentials); n > 4 {
			t.Errorf("%d requests", n)
		}
		for _, sent := range a.credentials {
			if strings.Contains(sent, fuzzKey) || strings.ContainsAny(sent, "\r\n\x00") {
				t.Errorf("sent %q", sent)
			}
		}
	})
}
