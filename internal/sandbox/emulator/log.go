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

// Call is one call of a client. It has no header and no body, and therefore no secret.
type Call struct {
	Time   time.Time `json:"time"`
	Cloud  string    `json:"cloud"`
	Method string    `json:"method"`
	// Path is escaped and includes the query.
	Path string `json:"path"`
	// Status is what the client got: 0 if it got no answer.
	Status int `json:"status"`
	// Fault names the fault that hit the call.
	Fault string `json:"fault,omitempty"`
}

// Write reports whether the call asked for a change.
func (c Call) Write() bool { return c.Method != "GET" && c.Method != "HEAD" }

// Log holds calls in the order in which they ended. The zero value keeps them in
// memory only.
type Log struct {
	mu    sync.Mutex
	file  io.WriteCloser
	calls []Call
}

// OpenLog returns a log that also appends to the file at path, with one JSON object per line.
func OpenLog(path string) (*Log, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the log of calls: %w", err)
	}
	return &Log{file: f}, nil
}

// Add appends a call.
func (l *Log) Add(c Call) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls = append(l.calls, c)
	if l.file != nil {
		// A full disk must not fail the call. A Call always marshals.
		line, _ := json.Marshal(c)
		_, _ = l.file.Write(append(line, '\n'))
	}
}

// Calls returns the calls of this process.
func (l *Log) Calls() []Call {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.calls)
}

// Close closes the file.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		return nil
	}
	return l.file.Close()
}
