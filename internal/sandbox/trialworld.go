package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"portfolio-infra/internal/sandbox/emulator/cloudflare"
	"portfolio-infra/internal/sandbox/emulator/tidbcloud"
)

// trialWorld is a sandbox in a folder of its own, whose clouds this process serves
// and whose engine runs in another one, so that it can be killed.
type trialWorld struct {
	sb     *sandbox
	clouds *clouds
}

// newTrialWorld serves clouds whose state lies in dir.
func newTrialWorld(s *sandbox, dir string) (*trialWorld, error) {
	inner := *s
	inner.dir = dir
	if err := inner.makeFolders(); err != nil {
		return nil, err
	}
	clouds, err := inner.startClouds()
	if err != nil {
		return nil, err
	}
	return &trialWorld{&inner, clouds}, nil
}

// copyWorld serves a copy of what lies in prepared.
func (s *sandbox) copyWorld(prepared, name string) (*trialWorld, error) {
	dir := filepath.Join(filepath.Dir(prepared), name)
	if err := os.RemoveAll(dir); err != nil {
		return nil, err
	}
	if err := os.CopyFS(dir, os.DirFS(prepared)); err != nil {
		return nil, err
	}
	return newTrialWorld(s, dir)
}

func (w *trialWorld) close() { w.clouds.close() }

func (w *trialWorld) remove() {
	w.close()
	_ = os.RemoveAll(w.sb.dir)
}

// intercept sets the hook that each call goes through; nil for none.
func (w *trialWorld) intercept(hook callHook) {
	if hook == nil {
		w.clouds.hook.Store(nil)
		return
	}
	w.clouds.hook.Store(&hook)
}

// session is a running engine with all its plugins and commands, in a session of
// the operating system's own.
type session struct {
	cmd *exec.Cmd
	out bytes.Buffer
}

// start starts an operation.
func (w *trialWorld) start(ctx context.Context, a act) (*session, error) {
	args := []string{a.verb}
	if a.verb != "cancel" && a.verb != "output" {
		args = append(args, "-served")
		for _, pair := range a.config {
			args = append(args, "-c", pair)
		}
	}
	args = append(args, a.args...)
	s := &session{cmd: exec.CommandContext(ctx, filepath.Join(w.sb.root, "bin", "sandbox"), args...)}
	s.cmd.Dir = w.sb.root
	s.cmd.Env = append(os.Environ(), "SANDBOX_DIR="+w.sb.dir)
	for name, value := range w.clouds.env {
		s.cmd.Env = append(s.cmd.Env, name+"="+value)
	}
	s.cmd.Stdout, s.cmd.Stderr = &s.out, &s.out
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	s.cmd.Cancel = func() error { s.kill(); return nil }
	return s, s.cmd.Start()
}

// kill ends every process of the session at once. The engine and its plugins are
// in process groups of their own, so the groups are not enough.
func (s *session) kill() {
	id := fmt.Sprint(s.cmd.Process.Pid)
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil || len(stats) == 0 {
		panic("the kill matrix needs /proc")
	}
	for _, stat := range stats {
		b, err := os.ReadFile(stat)
		if err != nil {
			continue // it ended
		}
		// The name in parentheses may hold anything; state, parent, group and session
		// come after it. https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
		rest := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
		if len(rest) > 3 && rest[3] == id {
			var pid int
			if _, err := fmt.Sscanf(filepath.Base(filepath.Dir(stat)), "%d", &pid); err == nil {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
		}
	}
}

func (s *session) wait() (string, error) {
	err := s.cmd.Wait()
	return s.out.String(), err
}

// run runs an operation to its end and returns what it printed.
func (w *trialWorld) run(ctx context.Context, a act) (string, error) {
	s, err := w.start(ctx, a)
	if err != nil {
		return "", err
	}
	return s.wait()
}

func (w *trialWorld) mustRun(ctx context.Context, a act) error {
	if out, err := w.run(ctx, a); err != nil {
		return fmt.Errorf("%s: %w\n%s", a.verb, err, out)
	}
	return nil
}

// liveClusters are those that are not being deleted.
func (w *trialWorld) liveClusters() []tidbcloud.Cluster {
	var live []tidbcloud.Cluster
	for _, c := range w.clouds.tidb.Clusters() {
		if c.State != "DELETING" && c.State != "DELETED" {
			live = append(live, c)
		}
	}
	return live
}

// databaseURL reads the stack's output.
func (w *trialWorld) databaseURL(ctx context.Context) (string, *url.URL, error) {
	s, err := w.start(ctx, act{verb: "output", args: []string{"-show-secrets", "databaseUrl"}})
	if err != nil {
		return "", nil, err
	}
	out, err := s.wait()
	text := strings.TrimSpace(out)
	u, parseErr := url.Parse(text)
	if err != nil || parseErr != nil || u.User == nil {
		return "", nil, errors.New("the output databaseUrl cannot be read")
	}
	return text, u, nil
}

func targets(services map[string]cloudflare.Service) map[string]string {
	all := map[string]string{}
	for name, s := range services {
		all[name] = s.Service
	}
	return all
}
