package emulator

import (
	"net/http/httptest"
	"strings"
	"testing"

	"portfolio-infra/internal/testcheck"
)

func TestFault_matches(t *testing.T) {
	for _, tt := range []struct {
		fault             Fault
		cloud, method, at string
		want              bool
	}{
		{Fault{}, "tidb", "GET", "/a", true},
		{Fault{Cloud: "tidb"}, "cloudflare", "GET", "/a", false},
		{Fault{Method: "PUT"}, "tidb", "GET", "/a", false},
		{Fault{Path: "/a/*"}, "tidb", "GET", "/a/b", true},
		{Fault{Path: "/a/*"}, "tidb", "GET", "/a/b/c", false},
		{Fault{Path: "/a/*"}, "tidb", "GET", "/a/b%2Fc", true},
		{Fault{Path: "/a/*"}, "tidb", "GET", "/a/b?c=d/e", true},
	} {
		if got := tt.fault.matches(tt.cloud, httptest.NewRequest(tt.method, tt.at, nil)); got != tt.want {
			t.Errorf("%+v matches %s %s %s: %v", tt.fault, tt.cloud, tt.method, tt.at, got)
		}
	}
}

func TestFaults_next(t *testing.T) {
	a, b := Fault{Name: "a", Path: "/a"}, Fault{Name: "b"}
	with := func(f Fault, skip, times int) Fault {
		f.Skip, f.Times = skip, times
		return f
	}
	for name, tt := range map[string]struct {
		list  []Fault
		calls string // pairs of a path and the fault that hits it
	}{
		"none":                      {nil, "/a - /a -"},
		"once":                      {[]Fault{a}, "/b - /a a /a -"},
		"thrice":                    {[]Fault{with(a, 0, 3)}, "/a a /b - /a a /a a /a -"},
		"always":                    {[]Fault{with(a, 0, -1)}, "/a a /a a /a a /a a"},
		"skipping":                  {[]Fault{with(a, 2, 2)}, "/a - /b - /a - /a a /a a /a -"},
		"skipping, then always":     {[]Fault{with(a, 1, -1)}, "/a - /a a /a a"},
		"the first wins":            {[]Fault{with(a, 0, -1), with(b, 0, -1)}, "/a a /b b /a a"},
		"the second after it":       {[]Fault{a, with(b, 0, -1)}, "/a a /a b /b b"},
		"a hit counts for one only": {[]Fault{a, with(b, 1, 1)}, "/a a /a - /a b /a -"},
	} {
		t.Run(name, func(t *testing.T) {
			var fs Faults
			for range 2 { // Set starts from zero
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
			}
		})
	}
}

func TestFaults_Set_refused(t *testing.T) {
	var fs Faults
	for want, f := range map[string]Fault{
		`fault 1: path "/[a": syntax error in pattern`: {Path: "/[a"},
		"fault 1: status -1 is not":                    {Status: -1},
		"fault 1: status 101 is not":                   {Status: 101},
		"fault 1: status 600 is not":                   {Status: 600},
	} {
		testcheck.Error(t, fs.Set(Fault{}, f), want)
	}
	if _, hit := fs.next("", httptest.NewRequest("GET", "/a", nil)); hit {
		t.Error("a refused list is in force")
	}
}
