package tidbcloud

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"portfolio-infra/internal/rest"
	"portfolio-infra/internal/rest/resttest"
)

const fuzzKey = "hunter2-hunter2-hunter2"

// A decoded cluster or branch has an ID, and a connectable one has all that a client needs.
func FuzzCluster_UnmarshalJSON(f *testing.F) {
	for _, seed := range []string{
		`{"name":"clusters/1","clusterId":"1","displayName":"portfolio-db","region":{"name":"regions/aws-us-east-1"},"state":"ACTIVE","labels":{"a":"b"},
			"spendingLimit":{"monthly":500},"endpoints":{"public":{"host":"h","port":4000,"authorizedNetworks":[{"startIpAddress":"0.0.0.0"}]}},"userPrefix":"p"}`,
		`{"name":"clusters/1"}`, `{"name":"clusters/"}`, `{"clusterId":""}`, "{}", "null", "[]", `{"clusterId":1}`, `{"clusterId":"1","region":null,"endpoints":{"public":null}}`,
		`{"clusterId":"1","endpoints":{"public":{"port":1e99}}}`, `{"CLUSTERID":"1","state":"ACTIVE"}`,
		`{"name":"clusters/1/branches/b","branchId":"b","displayName":"pr-1","state":"ACTIVE","userPrefix":"p","endpoints":{"public":{"host":"h","port":4000}}}`,
		`{"name":"clusters/1/branches/b"}`, `{"name":"clusters/1/branches/"}`, `{"branchId":""}`, `{"branchId":1}`, `{"branchId":"b","annotations":null,"endpoints":{"public":null}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var c Cluster
		decoded := json.Unmarshal(data, &c) == nil
		if decoded && c.ID == "" || c.Connectable() && (c.State != StateActive || c.Host == "" || c.Port == 0 || c.UserPrefix == "" && c.Plan == "") {
			t.Errorf("%q is read as %+v", data, c)
		}
		var b Branch
		if json.Unmarshal(data, &b) == nil && b.ID == "" || b.Connectable() && (b.State != StateActive || b.Host == "" || b.Port == 0 || b.UserPrefix == "") {
			t.Errorf("%q is read as %+v", data, b)
		}
		if !decoded {
			return
		}
		if strings.ContainsAny(c.DisplayName, "\n\"") && strings.Contains(c.String(), c.DisplayName) {
			t.Errorf("it is shown as %q", c.String())
		}
		// It is an item of a list; null is not.
		for list, want := range map[string]int{"[" + string(data) + "]": 1, "[" + string(data) + ",null]": 0} {
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
