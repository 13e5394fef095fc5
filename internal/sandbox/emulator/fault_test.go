package emulator

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"path"
	"reflect"
	"strings"
	"testing"
)

func TestFault_Matches(t *testing.T) {
	for _, tt := range []struct {
		fault             Fault
		cloud, method, at string
		want              bool
	}{
		{Fault{}, "tidb", "GET", "/a", true},
		{Fault{Cloud: "tidb"}, "tidb", "GET", "/a", true},
		{Fault{Cloud: "tidb"}, "cloudflare", "GET", "/a", false},
		{Fault{Method: "PUT"}, "tidb", "PUT", "/a", true},
		{Fault{Method: "PUT"}, "tidb", "GET", "/a", false},
		{Fault{Path: "/a/*"}, "tidb", "GET", "/a/b", true},
		{Fault{Path: "/a/*"}, "tidb", "GET", "/a/b/c", false},
		{Fault{Path: "/a/*"}, "tidb", "GET", "/a/b%2Fc", true},
		{Fault{Path: "/a/*"}, "tidb", "GET", "/a/b?c=d/e", true},
		{Fault{Path: "/a"}, "tidb", "GET", "/a/b", false},
	} {
		if got := tt.fault.matches(tt.cloud, httptest.NewRequest(tt.method, tt.at, nil)); got != tt.want {
			t.Errorf("%+v matches %s %s %s: %v", tt.fault, tt.cloud, tt.method, tt.at, got)
		}
	}
}

func TestFault_String(t *testing.T) {
	for want, f := range map[string]Fault{
		"mine":         {Name: "mine", Reset: true},
		"reset before": {Reset: true, Hang: true},
		"reset after":  {Reset: true, After: true},
		"hang before":  {Hang: true},
		"truncate":     {Truncate: true},
		"drip":         {Drip: 2},
		"200 before":   {},
		"502 after":    {Status: 502, After: true},
	} {
		if got := f.String(); got != want {
			t.Errorf("%+v is called %q, want %q", f, got, want)
		}
	}
}

func TestFault_JSON(t *testing.T) {
	want := Fault{Cloud: "tidb", Method: "POST", Path: "/a/*", Skip: 1, Times: -1, After: true, Status: 503,
		Header: map[string]string{"Retry-After": "1"}, Body: "{}"}
	text := `{"cloud":"tidb","method":"POST","path":"/a/*","skip":1,"times":-1,"after":true,"status":503,` +
		`"header":{"Retry-After":"1"},"body":"{}"}`
	var got Fault
	if err := json.Unmarshal([]byte(text), &got); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("it is read as %+v, %v", got, err)
	}
	if b, err := json.Marshal(want); err != nil || string(b) != text {
		t.Errorf("it is written as %s, %v", b, err)
	}
}

func TestFaults_Next(t *testing.T) {
	a, b := Fault{Name: "a", Path: "/a"}, Fault{Name: "b"}
	with := func(f Fault, skip, times int) Fault {
		f.Skip, f.Times = skip, times
		return f
	}
	for _, tt := range []struct {
		name string
		list []Fault
		// calls are of the form "path fault", as they come.
		calls string
	}{
		{"none", nil, "/a - /a -"},
		{"once", []Fault{a}, "/b - /a a /a -"},
		{"thrice", []Fault{with(a, 0, 3)}, "/a a /b - /a a /a a /a -"},
		{"always", []Fault{with(a, 0, -1)}, "/a a /a a /a a /a a"},
		{"skipping", []Fault{with(a, 2, 2)}, "/a - /b - /a - /a a /a a /a -"},
		{"skipping, then always", []Fault{with(a, 1, -1)}, "/a - /a a /a a"},
		{"the first wins", []Fault{with(a, 0, -1), with(b, 0, -1)}, "/a a /b b /a a"},
		{"the next when it ran out", []Fault{a, with(b, 0, -1)}, "/a a /a b /b b"},
		{"one that was not asked counts nothing", []Fault{a, with(b, 1, 1)}, "/a a /a - /a b /a -"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var fs Faults
			if err := fs.Set(tt.list...); err != nil {
				t.Fatal(err)
			}
			words := strings.Fields(tt.calls)
			for i := 0; i < len(words); i += 2 {
				got := "-"
				if f, hit := fs.next("tidb", httptest.NewRequest("GET", words[i], nil)); hit {
					got = f.String()
				}
				if got != words[i+1] {
					t.Errorf("call %d, %s: %s, want %s", i/2, words[i], got, words[i+1])
				}
			}
		})
	}
}

func TestFaults_Set(t *testing.T) {
	var fs Faults
	r := httptest.NewRequest("GET", "/a", nil)
	for range 2 {
		if err := fs.Set(Fault{Status: 500}); err != nil {
			t.Fatal(err)
		}
		if _, hit := fs.next("", r); !hit {
			t.Error("what matched before is not forgotten")
		}
	}
	err := fs.Set(Fault{Status: 500}, Fault{Path: "/[a"})
	if err == nil || err.Error() != fmt.Sprintf("fault 1: path %q: %v", "/[a", path.ErrBadPattern) {
		t.Errorf("a bad pattern: %v", err)
	}
	for _, status := range []int{-1, 42, 101, 600} {
		if err := fs.Set(Fault{Status: status}); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("status %d", status)) {
			t.Errorf("status %d: %v", status, err)
		}
	}
	if _, hit := fs.next("", r); hit {
		t.Error("a list that was refused is in force")
	}
}
