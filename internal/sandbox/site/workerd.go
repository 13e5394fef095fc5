package site

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httputil"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
)

// runtime is a process of workerd that runs one program.
type runtime struct {
	program program
	proxy   *httputil.ReverseProxy
	dir     string
	stop    context.CancelFunc
	ended   chan struct{}
	// calls are the requests that it answers.
	calls sync.WaitGroup
}

// startRuntime starts workerd on a loopback port. The socket exists before the process,
// so that no request comes too early.
func startRuntime(ctx context.Context, workerd string, p program, log io.Writer) (_ *runtime, err error) {
	rt := &runtime{program: p, ended: make(chan struct{})}
	if rt.dir, err = os.MkdirTemp("", "workerd-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("starting workerd: %w", err), os.RemoveAll(rt.dir))
		}
	}()
	for name, content := range p.files {
		if err := os.WriteFile(filepath.Join(rt.dir, name), []byte(content), 0o600); err != nil {
			return nil, err
		}
	}
	listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, err
	}
	defer listener.Close()
	socket, err := listener.File()
	if err != nil {
		return nil, err
	}
	defer socket.Close()
	ctx, rt.stop = context.WithCancel(ctx)
	cmd := exec.CommandContext(ctx, workerd, "serve", filepath.Join(rt.dir, configFile), "--socket-fd=http=3")
	for _, name := range slices.Sorted(maps.Keys(p.env)) {
		cmd.Env = append(cmd.Env, name+"="+p.env[name])
	}
	cmd.ExtraFiles = []*os.File{socket}
	var tail tail
	both := io.MultiWriter(log, &tail)
	cmd.Stdout, cmd.Stderr = both, both
	if err := cmd.Start(); err != nil {
		rt.stop()
		return nil, err
	}
	go func() {
		_ = cmd.Wait()
		_ = os.RemoveAll(rt.dir)
		close(rt.ended)
	}()
	address := listener.Addr().String()
	rt.proxy = &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { // the host stays
			r.Out.URL.Scheme, r.Out.URL.Host = "http", address
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			if r.Context().Err() == nil {
				http.Error(w, fmt.Sprintf("workerd does not answer: %v\n%s", err, tail.text()), http.StatusBadGateway)
			}
		},
	}
	return rt, nil
}

// ServeHTTP implements [http.Handler].
func (rt *runtime) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rt.proxy.ServeHTTP(w, r)
}

// runs reports whether the process is there and runs the program.
func (rt *runtime) runs(p program) bool {
	if rt == nil || !maps.Equal(rt.program.files, p.files) || !maps.Equal(rt.program.env, p.env) {
		return false
	}
	select {
	case <-rt.ended:
		return false
	default:
		return true
	}
}

// retire ends the process once it has answered its requests.
func (rt *runtime) retire() {
	if rt != nil {
		go func() {
			rt.calls.Wait()
			rt.close()
		}()
	}
}

// close ends the process and removes its files.
func (rt *runtime) close() {
	if rt != nil {
		rt.stop()
		<-rt.ended
	}
}

// syncWriter lets several goroutines write.
type syncWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (s *syncWriter) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.w.Write(p)
}

// tail keeps the end of what is written to it.
type tail struct {
	mu  sync.Mutex
	end []byte
}

const maxTail = 4 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.end = append(t.end, p...)
	t.end = t.end[max(0, len(t.end)-maxTail):]
	return len(p), nil
}

func (t *tail) text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(bytes.TrimSpace(t.end))
}
