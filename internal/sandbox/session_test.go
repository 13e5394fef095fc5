package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// session is a run of bin/sandbox or of a workflow's step, with all its plugins and commands,
// that can be killed.
type session struct {
	testing.TB
	cmd *exec.Cmd
	out bytes.Buffer
}

// start runs bin/sandbox on the fixture's clouds.
func (f *fixture) start(verb string) *session { f.Helper(); return f.startIn(root, verb) }

// startIn runs that of another checkout.
func (f *fixture) startIn(root, verb string) *session {
	f.Helper()
	f.keep()
	cmd := exec.CommandContext(f.Context(), filepath.Join(root, "bin", "sandbox"), verb)
	if f.Stack != "" {
		cmd.Args = append(cmd.Args, "-stack", f.Stack)
	}
	if verb != "cancel" {
		cmd.Args = append(cmd.Args, "-served")
		for key, value := range f.Config {
			text, ok := value.(string)
			if !ok {
				b, err := json.Marshal(value)
				if err != nil {
					f.Fatal(err)
				}
				text = string(b)
			}
			cmd.Args = append(cmd.Args, "-c", key+"="+text)
		}
	}
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "SANDBOX_DIR="+f.Dir)
	for name, value := range f.Env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	return newSession(f, cmd)
}

// newSession starts a command.
func newSession(t testing.TB, cmd *exec.Cmd) *session {
	t.Helper()
	s := &session{TB: t, cmd: cmd}
	cmd.Stdout, cmd.Stderr = &s.out, &s.out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { s.kill(); return nil }
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *session) wait() (string, error) {
	err := s.cmd.Wait()
	return s.out.String(), err
}

// kill ends every process of the session at once. The engine and its plugins are in process
// groups of their own, so the groups are those of all descendants, as ps lists them: it is
// the same on Linux and macOS.
// https://pubs.opengroup.org/onlinepubs/9799919799/utilities/ps.html
func (s *session) kill() {
	list, err := exec.Command("ps", "-A", "-o", "pid=", "-o", "ppid=", "-o", "pgid=").Output()
	if err != nil {
		s.Errorf("the kill matrix needs ps: %v", err)
	}
	children, group := map[int][]int{}, map[int]int{}
	for line := range strings.Lines(string(list)) {
		var pid, parent, pgid int
		if _, err := fmt.Sscan(line, &pid, &parent, &pgid); err == nil {
			children[parent] = append(children[parent], pid)
			group[pid] = pgid
		}
	}
	for family := []int{s.cmd.Process.Pid}; len(family) > 0; family = family[1:] {
		family = append(family, children[family[0]]...)
		if group := group[family[0]]; group > 0 { // 0 would be that of the test
			_ = syscall.Kill(-group, syscall.SIGKILL)
		}
	}
}
