package emulator

import (
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
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
	for _, tt := range []struct{ body, err string }{
		{`{"a":"x","inner":{"b":1}}`, ""},
		{" \n{\"a\":\"x\",\"inner\":{\"b\":1}}\n ", ""},
		{``, "EOF"},
		{`{"a":"x"`, "unexpected EOF"},
		{`{"a":"x"}{}`, "more than one JSON value"},
		{`{"a":"x"} x`, "more than one JSON value"},
		{`[]`, "cannot unmarshal array"},
		{`"a"`, "cannot unmarshal string"},
		{`{"a":1}`, "cannot unmarshal number"},
		{`{"c":1}`, `unknown field "c"`},
		{`{"inner":{"c":1}}`, `unknown field "c"`},
		{`{"A":"x"}`, `unknown field "A"`},
		{`{"inner":{"B":1}}`, `unknown field "B"`},
		{`{"list":[{"b":1},{"B":2}]}`, `unknown field "B"`},
		{`{"a":"` + strings.Repeat("x", 10<<20) + `"}`, "too large"},
	} {
		var got outer
		err := Decode(httptest.NewRequest("POST", "/", strings.NewReader(tt.body)), &got)
		short := tt.body[:min(len(tt.body), 40)]
		switch {
		case tt.err == "" && (err != nil || !reflect.DeepEqual(got, outer{A: "x", Inner: &inner{1}})):
			t.Errorf("%s: %+v, %v", short, got, err)
		case tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)):
			t.Errorf("%s: %v, want %s", short, err, tt.err)
		}
	}
}

func TestReply(t *testing.T) {
	rec := httptest.NewRecorder()
	Reply(rec, 418, map[string]int{"a": 1})
	if rec.Code != 418 || rec.Body.String() != `{"a":1}` || rec.Header().Get("Content-Type") != "application/json" {
		t.Errorf("%d %v %s", rec.Code, rec.Header(), rec.Body)
	}
	defer func() {
		if recover() == nil {
			t.Error("what is not JSON was answered")
		}
	}()
	Reply(rec, 200, func() {})
}
