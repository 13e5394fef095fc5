package emulator

import (
	"cmp"
	"fmt"
	"net/http"
	"path"
	"strconv"
	"sync"
	"time"
)

// Fault makes calls fail. It is JSON, so that it can be given from outside.
type Fault struct {
	// Name shows in the log of calls; the default tells what the fault does.
	Name string `json:"name,omitempty"`

	// Cloud, Method and Path say which calls it hits; empty means any. Path is a
	// pattern of path.Match over the escaped path without the query string.
	Cloud  string `json:"cloud,omitempty"`
	Method string `json:"method,omitempty"`
	Path   string `json:"path,omitempty"`

	// Skip lets so many matching calls through first. Times is how many it then
	// hits: 0 means one, a negative number all of them.
	Skip  int `json:"skip,omitempty"`
	Times int `json:"times,omitempty"`

	// After lets the call take effect first and then loses its answer.
	After bool `json:"after,omitempty"`

	// One of these happens in place of the answer, in this order of precedence.

	// Reset cuts the connection with a TCP reset.
	Reset bool `json:"reset,omitempty"`
	// Hang gives no answer until the client leaves.
	Hang bool `json:"hang,omitempty"`
	// Truncate sends the real answer, cut in the middle of its body (After is
	// implied).
	Truncate bool `json:"truncate,omitempty"`
	// Drip sends the real answer in so many pieces, a tenth of a second apart
	// (After is implied).
	Drip int `json:"drip,omitempty"`
	// Status, Header and Body are an answer of the fault's own. Status 0 means 200.
	Status int               `json:"status,omitempty"`
	Header map[string]string `json:"header,omitempty"`
	Body   string            `json:"body,omitempty"`
}

// String tells what the fault does, for the log.
func (f Fault) String() string {
	when := "before"
	if f.After {
		when = "after"
	}
	switch {
	case f.Name != "":
		return f.Name
	case f.Reset:
		return "reset " + when
	case f.Hang:
		return "hang " + when
	case f.Truncate:
		return "truncate"
	case f.Drip > 0:
		return "drip"
	default:
		return fmt.Sprintf("%d %s", cmp.Or(f.Status, http.StatusOK), when)
	}
}

func (f Fault) matches(cloud string, r *http.Request) bool {
	if f.Cloud != "" && f.Cloud != cloud || f.Method != "" && f.Method != r.Method {
		return false
	}
	if f.Path == "" {
		return true
	}
	ok, _ := path.Match(f.Path, r.URL.EscapedPath())
	return ok
}

// Faults is a list of faults and of how often each has matched. The first one
// that matches and has not run out hits. The zero value has none.
type Faults struct {
	mu      sync.Mutex
	list    []Fault
	matched []int
}

// Set replaces the list and forgets what matched. A pattern that path.Match
// cannot read is an error, and a status that is none of an answer.
func (fs *Faults) Set(list ...Fault) error {
	for i, f := range list {
		if _, err := path.Match(f.Path, ""); err != nil {
			return fmt.Errorf("fault %d: path %q: %w", i, f.Path, err)
		}
		if f.Status != 0 && (f.Status < 200 || f.Status > 599) {
			return fmt.Errorf("fault %d: status %d is not one from 200 to 599", i, f.Status)
		}
	}
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.list, fs.matched = list, make([]int, len(list))
	return nil
}

// next returns the fault that hits this call, if any.
func (fs *Faults) next(cloud string, r *http.Request) (Fault, bool) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	for i, f := range fs.list {
		if !f.matches(cloud, r) {
			continue
		}
		fs.matched[i]++
		n := fs.matched[i] - f.Skip
		if n >= 1 && (f.Times < 0 || n <= max(f.Times, 1)) {
			return f, true
		}
	}
	return Fault{}, false
}

// answer writes what the fault puts in place of the real answer, which is nil
// when the call did not take effect. It returns the status that was sent.
func (f Fault) answer(w http.ResponseWriter, r *http.Request, real *answer) int {
	switch {
	case f.Reset:
		cut(w)
		return 0
	case f.Hang:
		<-r.Context().Done()
		return 0
	case f.Truncate:
		real.header.Set("Content-Length", strconv.Itoa(len(real.body)))
		real.body = real.body[:len(real.body)/2]
		real.send(w)
		return real.status
	case f.Drip > 0:
		real.drip(w, f.Drip, 100*time.Millisecond)
		return real.status
	default:
		for k, v := range f.Header {
			w.Header().Set(k, v)
		}
		status := cmp.Or(f.Status, http.StatusOK)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(f.Body))
		return status
	}
}
