package emulator

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A body that is accepted is one JSON object with known members, and is the same
// when it is written and read once more.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`{"a":"x","b":{"c":[1,2]},"d":true}`, " {} \n", "", "null", "[]", "1", `{"a":"x"}{}`, `{"a":"x"} ]`, `{"x":1}`, `{"a":1}`, `{"A":"x"}`,
		`{"b":{"x":1}}`, `{"a":"\ud800"}`, "{\"a\":\"\xff\"}", `{"a":"x","a":"y"}`, "\ufeff{}", strings.Repeat(`{"b":`, 100),
	} {
		f.Add([]byte(seed))
	}
	type object struct {
		A string `json:"a"`
		B struct {
			C []int `json:"c"`
		} `json:"b"`
		D *bool `json:"d"`
	}
	decode := func(body string) (v object, err error) {
		err = Decode(httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body)), &v)
		return v, err
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		v, err := decode(string(body))
		if err != nil {
			return
		}
		var members map[string]any
		if err := json.Unmarshal(body, &members); err != nil {
			t.Fatalf("%q is accepted: %v", body, err)
		}
		for name := range members {
			if name != "a" && name != "b" && name != "d" {
				t.Errorf("%q is accepted with the member %q", body, name)
			}
		}
		written, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := decode(string(written)); err != nil || !reflect.DeepEqual(again, v) {
			t.Errorf("%+v becomes %+v, %v", v, again, err)
		}
	})
}

// With a list of faults that is accepted, each call is answered or cut within the client's
// time, and is in the log.
func FuzzFaults_Set(f *testing.F) {
	for _, seed := range []string{
		`[]`, `[{}]`, "null", `[{"path":"/a/*","status":503,"header":{"Retry-After":"1"},"body":"{}"}]`, `[{"path":"/["}]`, `[{"path":"[]a]"}]`, `[{"path":"\\"}]`,
		`[{"status":42}]`, `[{"status":-1}]`, `[{"status":1000}]`, `[{"status":101}]`, `[{"status":204,"body":"x"}]`, `[{"times":-1,"skip":-5,"reset":true}]`,
		`[{"drip":9223372036854775807}]`, `[{"drip":-1}]`, `[{"hang":true,"after":true}]`, `[{"truncate":true},{"name":"b","cloud":"tidb","method":"GET"}]`,
		`[{"header":{"":"","a\nb":"c\r\nd","Content-Length":"99"},"after":true}]`, `[{"skip":9223372036854775807,"times":9223372036854775807}]`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var list []Fault
		if json.Unmarshal(b, &list) != nil {
			return
		}
		var fs Faults
		if fs.Set(list...) != nil {
			return
		}
		synctest.Test(t, func(t *testing.T) {
			s := &Server{Cloud: "tidb", Handler: &cloud{}, Log: &Log{}, Faults: &fs}
			for range 3 {
				code := serveOnce(t, s)
				calls := s.Log.Calls()
				if last := calls[len(calls)-1]; last.Status != code && last.Status != 0 {
					t.Errorf("answered %d, logged %+v", code, last)
				}
			}
			if n := len(s.Log.Calls()); n != 3 {
				t.Errorf("%d calls are in the log", n)
			}
		})
	})
}

// serveOnce makes one call of a client that waits for an hour, and returns the
// status. A cut connection is an end as well; any other panic is passed on.
func serveOnce(t *testing.T, s *Server) int {
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	rec := httptest.NewRecorder()
	func() {
		defer func() {
			if p := recover(); p != nil && p != any(http.ErrAbortHandler) {
				panic(p)
			}
		}()
		s.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/a/b", nil).WithContext(ctx))
	}()
	return rec.Code
}
