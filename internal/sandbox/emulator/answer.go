package emulator

import (
	"cmp"
	"maps"
	"net"
	"net/http"
	"slices"
	"time"
)

// answer is an [http.ResponseWriter] that holds back a handler's answer.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(status int) { a.status = cmp.Or(a.status, status) }

func (a *answer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	a.body = append(a.body, p...)
	return len(p), nil
}

// sendHeader sends the status and the header, and returns the status.
func (a *answer) sendHeader(w http.ResponseWriter) int {
	a.WriteHeader(http.StatusOK)
	maps.Copy(w.Header(), a.header)
	w.WriteHeader(a.status)
	return a.status
}

func (a *answer) send(w http.ResponseWriter) int {
	status := a.sendHeader(w)
	_, _ = w.Write(a.body)
	return status
}

// drip sends the body in n pieces.
func (a *answer) drip(w http.ResponseWriter, n int) int {
	status := a.sendHeader(w)
	for piece := range slices.Chunk(a.body, max(1, (len(a.body)+n-1)/n)) {
		time.Sleep(100 * time.Millisecond)
		if _, err := w.Write(piece); err != nil {
			break
		}
		_ = http.NewResponseController(w).Flush()
	}
	return status
}

// reset ends the connection with a TCP reset instead of an answer.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}
