package emulator

import (
	"cmp"
	"fmt"
	"net/http"
	"path"
	"strconv"
	"sync"
)

// Fault makes calls fail. It is read from JSON.
type Fault struct {
	// Name is the fault's name in the log. By default it says what the fault does.
	Name string `json:"name"`

	// Cloud, Method and Path select the calls; empty selects all. Path is a
	// pattern for [path.Match] over the escaped path without the query.
	Cloud  string `json:"cloud"`
	Method string `json:"method"`
	Path   string `json:"path"`

	// Skip is how many selected calls pass first. Times is how many then fail: 0 means one,
	// and a negative number means all.
	Skip  int `json:"skip"`
	Times int `json:"times"`

	// After lets the call take effect, and then loses its answer.
	After bool `json:"after"`

	// What happens instead of the answer. The first field that is set counts.

	// Reset resets the TCP connection.
	Reset bool `json:"reset"`
	// Hang sends nothing until the client gives up.
	Hang bool `json:"hang"`
	// Truncate sends half the body of the real answer. It implies After.
	Truncate bool `json:"truncate"`
	// Drip sends the real answer in this many pieces, with a tenth of a second before each. It
	// implies After.
	Drip int `json:"drip"`
	// Status, Header and Body replace the answer. The default status is 200.
	Status int               `json:"status"`
	Header map[string]string `json:"header"`
	Body   string            `json:"body"`
}

// String returns the name, or what the fault does.
func (f Fault) String() string {
	var what string
	switch {
	case f.Name != "":
		return f.Name
	case f.Reset:
		what = "reset"
	case f.Hang:
		what = "hang"
	case f.Truncate:
		return "truncate"
	case f.Drip > 0:
		return "drip"
	default:
		what = strconv.Itoa(cmp.Or(f.Status, http.StatusOK))
	}
	if f.After {
		return what + " after"
	}
	return what + " before"
}

func (f Fault) matches(cloud string, r *http.Request) bool {
	if f.Cloud != "" && f.Cloud != cloud || f.Method != "" && f.Method != r.Method {
		return false
	}
	ok, _ := path.Match(f.Path, r.URL.EscapedPath())
	return ok || f.Path == ""
}

// takesEffect reports whether the call that f hits reaches the cloud.
func (f Fault) takesEffect() bool { return f.After || f.Truncate || f.Drip > 0 }

// answer sends what the client gets. It returns the status, or 0 for no answer. genuine is the
// cloud's answer if the call took effect.
func (f Fault) answer(w http.ResponseWriter, r *http.Request, genuine *answer) int {
	switch {
	case f.Reset:
		reset(w)
		return 0
	case f.Hang:
		<-r.Context().Done()
		return 0
	case f.Truncate:
		genuine.header.Set("Content-Length", strconv.Itoa(len(genuine.body)))
		genuine.body = genuine.body[:len(genuine.body)/2]
		return genuine.send(w)
	case f.Drip > 0:
		return genuine.drip(w, f.Drip)
	default:
		own := &answer{status: f.Status, header: http.Header{}, body: []byte(f.Body)}
		for k, v := range f.Header {
			own.header.Set(k, v)
		}
		return own.send(w)
	}
}

// Faults is a list of faults that counts the calls. A call is hit by the first fault that
// selects it and is not used up. The zero value has no faults.
type Faults struct {
	mu      sync.Mutex
	list    []Fault
	matched []int
}

// Set replaces the list and starts counting from zero.
func (fs *Faults) Set(list ...Fault) error {
	for i, f := range list {
		if _, err := path.Match(f.Path, ""); err != nil {
			return fmt.Errorf("fault %d: path %q: %w", i, f.Path, err)
		}
		if f.Status != 0 && (f.Status < 200 || f.Status > 599) {
			return fmt.Errorf("fault %d: status %d is not in the range from 200 to 599", i, f.Status)
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
