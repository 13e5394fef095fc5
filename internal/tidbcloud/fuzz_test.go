package tidbcloud

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"portfolio-infra/internal/rest"
)

const fuzzKey = "hunter2-hunter2-hunter2"

// answerAll gives the same answer to all requests and keeps their Authorization.
type answerAll struct {
	status int
	header http.Header
	body   []byte

	credentials []string
}

func (a *answerAll) RoundTrip(req *http.Request) (*http.Response, error) {
	a.credentials = append(a.credentials, req.Header.Get("Authorization"))
	return &http.Response{StatusCode: a.status, Header: a.header.Clone(), Body: io.NopCloser(bytes.NewReader(a.body)), Request: req}, nil
}

// fuzzClient talks to a, and has no time for a second try.
func fuzzClient(t *testing.T, a *answerAll) (*Client, context.Context) {
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	t.Cleanup(cancel)
	return &Client{PublicKey: "public", PrivateKey: fuzzKey, Transport: a}, ctx
}

// assertShown checks that an error's text is a line for people, without the key.
func assertShown(t *testing.T, err error) {
	t.Helper()
	if text := err.Error(); strings.Contains(text, fuzzKey) || strings.ContainsAny(text, "\n\r\x00\x1b") || len(text) > 20_000 {
		t.Errorf("the error shows the key or is not a line: %q", text)
	}
}

// A cluster that is read has an id, and one to connect to has all that it takes.
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
			t.Errorf("%q has no id", b)
		}
		if c.Connectable() && (c.State != StateActive || c.Host == "" || c.Port == 0 || c.UserPrefix == "") {
			t.Errorf("nobody can connect to %+v", c)
		}
		if strings.ContainsAny(c.DisplayName, "\n\"") && strings.Contains(c.String(), c.DisplayName) {
			t.Errorf("it is shown as %q", c.String())
		}
		// A list with it has it once; a list with nothing in its place is none.
		for list, want := range map[string]int{"[" + string(b) + "]": 1, "[" + string(b) + ",null]": 0} {
			var all []Cluster
			err := json.Unmarshal([]byte(list), &all)
			if (err == nil) != (want == 1) || err == nil && len(all) != want {
				t.Errorf("%s is read as %+v, %v", list, all, err)
			}
		}
	})
}

// A user that is read has a name and a role without prefix.
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

// Whatever a list's answer is, the calls end, and all that is listed has an id.
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
		a := &answerAll{status: int(status), body: body}
		c, ctx := fuzzClient(t, a)
		all, err := c.ListClusters(ctx)
		if n := len(a.credentials); n > 2 {
			t.Errorf("%d requests", n)
		}
		if err != nil {
			assertShown(t, err)
			return
		}
		var object map[string]json.RawMessage
		if status < 200 || status > 299 || json.Unmarshal(body, &object) != nil || object == nil {
			t.Errorf("%d %q is a list: %+v", status, body, all)
		}
		for _, cluster := range all {
			if cluster.ID == "" {
				t.Errorf("a cluster without an id: %+v", cluster)
			}
		}
	})
}

// Any body of an error gives a code and a message, or none of both.
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
		assertShown(t, e)
	})
}

// Whatever challenge comes, keys that are refused are told as a 401, after a few
// requests that show the public key at most.
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
		a := &answerAll{status: http.StatusUnauthorized, header: http.Header{"Www-Authenticate": {challenge}}, body: body}
		c, ctx := fuzzClient(t, a)
		_, err := c.CreateCluster(ctx, CreateClusterRequest{DisplayName: "portfolio-db"})
		if !rest.StatusIs(err, http.StatusUnauthorized) || rest.Ambiguous(err) {
			t.Fatalf("the error is %v, ambiguous %t", err, rest.Ambiguous(err))
		}
		assertShown(t, err)
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
