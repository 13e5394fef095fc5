package emulator

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestOpenLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "calls.jsonl")
	noon := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	calls := []Call{
		{Time: noon, Cloud: "tidb", Method: "GET", Path: "/a?b=c", Status: 200, Challenged: true},
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
}

func TestLog_noFile(t *testing.T) {
	if _, err := OpenLog(filepath.Join(t.TempDir(), "no", "calls.jsonl")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("in a missing folder: %v", err)
	}
	var l Log
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

func TestLog_concurrent(t *testing.T) {
	l, err := OpenLog(filepath.Join(t.TempDir(), "calls.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			l.Add(Call{Method: "GET"})
			l.Calls()[0].Method = "mine" // a copy
		})
	}
	wg.Wait()
	if got := l.Calls(); len(got) != 50 || got[0].Method != "GET" {
		t.Errorf("there are %d calls, the first %+v", len(got), got[0])
	}
}

func TestCall_Write(t *testing.T) {
	for method, want := range map[string]bool{"GET": false, "HEAD": false, "POST": true, "PUT": true, "PATCH": true, "DELETE": true} {
		if got := (Call{Method: method}).Write(); got != want {
			t.Errorf("%s: %v", method, got)
		}
	}
}
