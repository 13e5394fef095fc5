package emulator

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"portfolio-infra/internal/testcheck"
)

func TestOpenLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "calls.jsonl")
	noon := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	calls := []Call{
		{Time: noon, Cloud: "tidb", Method: "GET", Path: "/a?b=c", Status: 200},
		{Time: noon, Cloud: "cloudflare", Method: "PUT", Path: "/\n", Fault: "reset before"},
	}
	for _, call := range calls { // each in a process of its own
		l, err := OpenLog(path)
		if err != nil {
			t.Fatal(err)
		}
		l.Add(call)
		if diff := cmp.Diff([]Call{call}, l.Calls()); diff != "" {
			t.Errorf("the calls of this process (-want +got):\n%s", diff)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		l.Add(call) // a closed file must not fail the call
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var got []Call
	for line := range bytes.Lines(content) {
		var call Call
		if err := json.Unmarshal(line, &call); err != nil {
			t.Errorf("%v in %s", err, line)
		}
		got = append(got, call)
	}
	if diff := cmp.Diff(calls, got); diff != "" {
		t.Errorf("the file (-want +got):\n%s", diff)
	}
	wantPrivate(t, path)
	_, err = OpenLog(filepath.Join(path, "calls.jsonl"))
	testcheck.Error(t, err, "not a directory")
}
