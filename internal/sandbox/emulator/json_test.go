package emulator

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestDecode(t *testing.T) {
	type inner struct {
		B int `json:"b"`
	}
	type outer struct {
		A     string `json:"a"`
		Inner *inner `json:"inner"`
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
		{`{"a":"` + strings.Repeat("x", 10<<20) + `"}`, "too large"},
	} {
		var got outer
		err := Decode(httptest.NewRequest("POST", "/", strings.NewReader(tt.body)), &got)
		short := tt.body[:min(len(tt.body), 40)]
		switch {
		case tt.err == "" && (err != nil || !reflect.DeepEqual(got, outer{"x", &inner{1}})):
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

func TestSave_Load(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "state.json")
	got := map[string]int{"before": 1}
	if err := Load(path, &got); err != nil || got["before"] != 1 {
		t.Errorf("where there is no file: %v %v", got, err)
	}
	for _, want := range []map[string]int{{"a": 1, "b": 2}, {"c": 3}} {
		if err := Save(path, want); err != nil {
			t.Fatal(err)
		}
		got = nil
		if err := Load(path, &got); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("it is read as %v, %v", got, err)
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file can be read by others: %v %v", info.Mode(), err)
	}
	left(t, dir, "state.json")
}

func TestSave_Fails(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "state.json")
	if err := Save(path, func() {}); err == nil {
		t.Error("what is not JSON was saved")
	}
	if err := Save(filepath.Join(dir, "no", "state.json"), 1); err == nil {
		t.Error("it was saved in a folder that is not there")
	}
	if err := os.MkdirAll(filepath.Join(path, "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := Save(path, 1); err == nil {
		t.Error("it was saved in the place of a folder")
	}
	left(t, dir, "state.json")
}

func TestLoad_Fails(t *testing.T) {
	dir := t.TempDir()
	if err := Load(dir, new(int)); err == nil {
		t.Error("a folder was read")
	}
	path := filepath.Join(dir, "state.json")
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Load(path, new(int)); err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "remove it") {
		t.Errorf("a broken file: %v", err)
	}
}

// left checks what is in a folder: no file that was to be renamed may stay.
func left(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the folder has %v, want %v", got, want)
	}
}
