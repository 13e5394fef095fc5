package emulator

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"portfolio-infra/internal/testcheck"
)

func TestDecode(t *testing.T) {
	type inner struct {
		B int `json:"b"`
	}
	type outer struct {
		A     string  `json:"a"`
		Inner *inner  `json:"inner"`
		List  []inner `json:"list"`
	}
	const all = `{"a":"x","inner":{"b":1},"list":[{"b":2}]}`
	for _, tt := range []struct{ name, body, err string }{
		{"all", all, ""},
		{"cut", `{"a":"x"`, "unexpected EOF"},
		{"two values", `{"a":"x"}{}`, "more than one JSON value"},
		{"a list", `[]`, "cannot unmarshal array"},
		{"a number", `{"a":1}`, "cannot unmarshal number"},
		{"unknown", `{"c":1}`, `unknown field "c"`},
		{"misspelt below", `{"inner":{"B":1}}`, `unknown field "B"`},
		{"misspelt in a list", `{"list":[{"b":1},{"B":2}]}`, `unknown field "B"`},
		{"too large", `{"a":"` + strings.Repeat("x", 10<<20) + `"}`, "too large"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got outer
			err := Decode(httptest.NewRequest("POST", "/", strings.NewReader(tt.body)), &got)
			if tt.err != "" {
				testcheck.Error(t, err, tt.err)
				return
			}
			if diff := cmp.Diff(outer{"x", &inner{1}, []inner{{2}}}, got); err != nil || diff != "" {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
}

// An answer that is no JSON is a mistake of the emulator.
func TestReply(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("it replied")
		}
	}()
	Reply(httptest.NewRecorder(), 200, func() {})
}
