package sql_test

import (
	"encoding/json"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"testing"

	"portfolio-infra/internal/sandbox/emulator/sql"
)

// wantDriver is what testdata/driver.cjs prints.
const wantDriver = `{
  "insert": {"types": {}, "rows": [], "rowsAffected": 1, "lastInsertId": "1", "rowCount": 0},
  "rows": [
    {"id": "1", "tiny": 255, "big": "9007199254740993", "real8": 0.5, "price": "12.30",
     "name": "it's \"q\" \\ \n 測試 🙂", "body": "%", "raw": {"bytes": [0, 255, 39]}, "pic": {"bytes": [137, 80]}, "bits": {"bytes": [0, 5]},
     "day": "2024-02-29", "at": "2024-02-29 12:34:56.789", "doc": {"a": [1, null]}, "kind": "b", "flag": 1},
    {"id": "2", "tiny": null, "big": null, "real8": null, "price": null, "name": "nulls", "body": null, "raw": null, "pic": null,
     "bits": null, "day": null, "at": null, "doc": null, "kind": null, "flag": null}
  ],
  "named": [{"id": "1"}],
  "array": [["1", 255], ["2", null]],
  "full": {"statement": "SELECT id, doc FROM kinds WHERE id = 1", "types": {"id": "UNSIGNED BIGINT", "doc": "JSON"},
           "rows": [{"id": "1", "doc": {"a": [1, null]}}], "rowsAffected": null, "lastInsertId": null, "rowCount": 1},
  "update": 2,
  "decoded": [{"price": 12.3}],
  "inside": "3", "outside": "2", "after": "3",
  "stateful": [{"x": "x7"}],
  "closed": {"isDatabaseError": true, "status": 400, "code": "400", "message": "no such session: it was closed, was idle for too long, or is running another statement"},
  "syntax": {"isDatabaseError": true, "status": 400, "code": "1064", "message": "Error 1064 (42000): syntax error at position 6 near 'SELEC'"},
  "denied": {"isDatabaseError": true, "status": 401, "code": "1045", "message": "Error 1045 (28000): Access denied for user '1aaaaaaaaaaaaaa.api'@'127.0.0.1' (using password: YES)"},
  "parallel": ["n1", "n2", "n3"],
  "urls": ["https://http-localhost/v1beta/sql"]
}`

// The driver that Workers use, as npm has it.
func TestServers_driver(t *testing.T) {
	node, modules := npm(t, "@tidbcloud/serverless")
	s := start(t, &sql.Servers{Dir: t.TempDir(), Host: "localhost"})
	srv := httptest.NewServer(s.HTTP())
	t.Cleanup(srv.Close)

	cmd := exec.CommandContext(t.Context(), node, filepath.Join("testdata", "driver.cjs"))
	cmd.Env = append(os.Environ(),
		"NODE_PATH="+modules,
		"ENDPOINT="+srv.URL,
		// The driver does not look at the port.
		"DATABASE_URL=mysql://"+onePrefix+"api:"+url.PathEscape(password)+"@localhost:4000/test",
	)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	must(t, err)
	var got, want map[string]any
	must(t, json.Unmarshal(out, &got))
	must(t, json.Unmarshal([]byte(wantDriver), &want))
	for key := range want {
		if !reflect.DeepEqual(got[key], want[key]) {
			t.Errorf("%s:\ngot  %v\nwant %v", key, got[key], want[key])
		}
	}
	if len(got) != len(want) {
		t.Errorf("the driver printed %s", out)
	}
}
