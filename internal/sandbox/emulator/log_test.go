package emulator

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"sync"
	"testing"
)

func TestLog_File(t *testing.T) {
	path := filepath.Join(t.TempDir(), "calls.jsonl")
	calls := []Call{
		{Time: morning, Cloud: "tidb", Method: "GET", Path: "/a?b=c", Status: 200, Challenged: true},
		{Time: morning, Cloud: "cloudflare", Method: "PUT", Path: "/\n", Fault: "reset before"},
	}
	for _, call := range calls { // each in a run of its own
		l, err := OpenLog(path)
		if err != nil {
			t.Fatal(err)
		}
		l.Add(call)
		if got := l.Calls(); !reflect.DeepEqual(got, []Call{call}) {
			t.Errorf("this run's calls are %+v", got)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		l.Add(call) // a file that is closed must not fail the call
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	var got []Call
	for s := bufio.NewScanner(f); s.Scan(); {
		var call Call
		if err := json.Unmarshal(s.Bytes(), &call); err != nil {
			t.Errorf("%v in %s", err, s.Text())
		}
		got = append(got, call)
	}
	if !reflect.DeepEqual(got, calls) {
		t.Errorf("the file has %+v, want %+v", got, calls)
	}
	if info, err := f.Stat(); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file can be read by others: %v %v", info.Mode(), err)
	}
}

func TestLog_NoFile(t *testing.T) {
	if _, err := OpenLog(filepath.Join(t.TempDir(), "no", "calls.jsonl")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("in a folder that is not there: %v", err)
	}
	var l Log
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

func TestLog_Concurrent(t *testing.T) {
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
	got := l.Calls()
	if len(got) != 50 || got[0].Method != "GET" {
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
