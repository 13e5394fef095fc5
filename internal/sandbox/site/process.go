package site

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

//go:embed miniflare.mjs
var script string

// process is a Node.js process that runs the programs of sites.
type process struct {
	mu    sync.Mutex // for a line to in and its answer from out
	stop  context.CancelFunc
	ended chan struct{}
	in    io.Writer
	out   *json.Decoder
	said  tail
}

// open starts a process, unless the Runtime is not installed. It removes what another one left.
func (r Runtime) open(ctx context.Context) (*process, error) {
	if !r.Installed() {
		return nil, nil
	}
	if err := os.RemoveAll(r.Dir); err != nil { // a killed process may have left it
		return nil, err
	}
	return r.start(ctx)
}

// close ends a process of open, if there is one, and removes all files.
func (r Runtime) close(p *process) error {
	if p != nil {
		p.close()
	}
	return os.RemoveAll(r.Dir)
}

// start starts a process that runs nothing yet. When ctx ends, the process ends and its files
// are removed.
func (r Runtime) start(ctx context.Context) (_ *process, err error) {
	if err := os.MkdirAll(r.Dir, 0o700); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(r.Dir, "run-")
	if err != nil {
		return nil, err
	}
	p := &process{ended: make(chan struct{})}
	ctx, p.stop = context.WithCancel(ctx)
	defer func() {
		if err != nil {
			p.stop()
			err = errors.Join(fmt.Errorf("starting Node.js: %w", err), os.RemoveAll(dir))
		}
	}()
	cmd := exec.CommandContext(ctx, r.node(ctx), "--input-type=module", "--eval", script, r.Modules)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TMPDIR=" + dir, "WRANGLER_SEND_METRICS=false", "NO_COLOR=1"}
	cmd.Stderr = io.MultiWriter(r.Log, &p.said)
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.in, p.out = in, json.NewDecoder(bufio.NewReader(out))
	// A terminal's Ctrl+C is for the sandbox, which then ends the process by closing its
	// input.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel, cmd.WaitDelay = in.Close, 5*time.Second
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = cmd.Wait()
		if cmd.ProcessState.ExitCode() < 0 { // it was killed before it could end workerd
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		}
		_ = os.RemoveAll(dir)
		close(p.ended)
	}()
	return p, nil
}

// close ends the process.
func (p *process) close() {
	p.stop()
	<-p.ended
}

// startError is what a Worker throws as it starts.
type startError struct{ message string }

func (e *startError) Error() string { return "a Worker does not start: " + e.message }

// run replaces the running program of a site and returns the address of the new one.
func (p *process) run(next program) (address string, err error) {
	line, err := json.Marshal(next)
	if err != nil {
		return "", err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	var answer struct{ Address, Thrown, Error string }
	if _, err = p.in.Write(append(line, '\n')); err == nil {
		err = p.out.Decode(&answer)
	}
	switch {
	case err != nil:
		<-p.ended
		return "", fmt.Errorf("the process of Node.js has ended: %s", p.said.text())
	case answer.Thrown != "":
		return "", &startError{answer.Thrown}
	case answer.Error != "":
		return "", fmt.Errorf("starting Miniflare: %s", answer.Error)
	}
	return answer.Address, nil
}

// tail is a writer that keeps the end of what is written to it.
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
