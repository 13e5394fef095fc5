package emulator

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"time"
)

// Call is one call that a client made, as the log shows it. It holds no header
// and no body, so no secret.
type Call struct {
	Time   time.Time `json:"time"`
	Cloud  string    `json:"cloud"`
	Method string    `json:"method"`
	// Path is the escaped path, with the query string if there was one.
	Path string `json:"path"`
	// Status is the HTTP status that the client got; 0 where the connection was
	// cut or the client left before an answer.
	Status int `json:"status"`
	// Challenged says that a digest challenge (RFC 7616) came first: the request
	// without credentials, its 401 and the one with them are one call.
	Challenged bool `json:"challenged,omitempty"`
	// Fault names the fault that hit the call.
	Fault string `json:"fault,omitempty"`
}

// Write reports whether the call asked for a change.
func (c Call) Write() bool { return c.Method != "GET" && c.Method != "HEAD" }

// Log collects calls in the order in which they ended. The zero value keeps
// them in memory; see [OpenLog] for one that writes them to a file as well.
type Log struct {
	mu    sync.Mutex
	file  io.WriteCloser
	calls []Call
}

// OpenLog appends to the file at path, one JSON object a line.
func OpenLog(path string) (*Log, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the log of calls: %w", err)
	}
	return &Log{file: f}, nil
}

// Add appends one call.
func (l *Log) Add(c Call) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls = append(l.calls, c)
	if l.file == nil {
		return
	}
	line, err := json.Marshal(c)
	if err != nil {
		panic(fmt.Sprintf("a call is always JSON: %v", err))
	}
	// A log on a full disk must not fail the call that it describes.
	_, _ = l.file.Write(append(line, '\n'))
}

// Calls returns the calls that this process logged so far.
func (l *Log) Calls() []Call {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.calls)
}

// Close closes the file, if there is one.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		return nil
	}
	return l.file.Close()
}
