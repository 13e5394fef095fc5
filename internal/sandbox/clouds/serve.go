package clouds

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func pidFile(dir string) string { return filepath.Join(dir, "pid") }

// Serve serves the clouds of dir until ctx ends. It prints the environment in which clients
// reach them, and more, as lines for a shell. An empty line follows, for [ServeDetached].
func Serve(ctx context.Context, dir string, lookup Lookup, more map[string]string, out io.Writer) error {
	c, err := Start(ctx, dir, lookup)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.Share(dir); err != nil {
		return err
	}
	if err := os.WriteFile(pidFile(dir), []byte(strconv.Itoa(os.Getpid())), 0o600); err != nil {
		return err
	}
	defer func() { _ = os.Remove(pidFile(dir)) }()
	env := maps.Clone(c.Env)
	maps.Copy(env, more)
	for _, name := range slices.Sorted(maps.Keys(env)) {
		fmt.Fprintf(out, "export %s=%s\n", name, Quote(env[name]))
	}
	fmt.Fprintln(out)
	<-ctx.Done()
	return nil
}

// Quote returns s as a word of a POSIX shell.
func Quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// ServeDetached runs command, which calls [Serve], in the background and prints what it
// prints.
func ServeDetached(ctx context.Context, out io.Writer, command string, args ...string) error {
	read, write, err := os.Pipe()
	if err != nil {
		return err
	}
	defer read.Close()
	cmd := exec.Command(command, args...)
	var stderr strings.Builder
	cmd.Stdout, cmd.Stderr = write, &stderr
	// A shell that evaluates what this prints waits until no process holds the output, so the
	// child must not hold it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	err = cmd.Start()
	_ = write.Close()
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = read.SetReadDeadline(time.Now())
	})()
	env, err := readEnvironment(read)
	if ctx.Err() != nil {
		return fmt.Errorf("serving in the background: %w", ctx.Err())
	}
	if err != nil {
		_ = cmd.Wait()
		return fmt.Errorf("serving in the background: %s", strings.TrimPrefix(strings.TrimSpace(stderr.String()), "sandbox: "))
	}
	fmt.Fprint(out, env)
	return cmd.Process.Release()
}

// readEnvironment reads lines up to the first empty one.
func readEnvironment(r io.Reader) (string, error) {
	var env strings.Builder
	for lines := bufio.NewReader(r); ; {
		line, err := lines.ReadString('\n')
		if err != nil || line == "\n" {
			return env.String(), err
		}
		env.WriteString(line)
	}
}

// stopTimeout is how long a background server may take to end.
const stopTimeout = 5 * time.Second

var errNothingServes = errors.New("serve -stop: nothing serves in this folder")

// Stop ends the server of dir.
func Stop(ctx context.Context, dir string) error {
	text, err := os.ReadFile(pidFile(dir))
	if errors.Is(err, os.ErrNotExist) {
		return errNothingServes
	}
	if err != nil {
		return err
	}
	// If the lock is free, the server was killed, and its process ID may belong to another
	// process by now.
	if unlock, err := lock(ctx, dir); err == nil {
		defer unlock()
		return errors.Join(errNothingServes, os.Remove(pidFile(dir)))
	}
	pid, err := strconv.Atoi(string(text))
	if err != nil {
		return fmt.Errorf("serve -stop: reading the process ID: %w", err)
	}
	if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
		return fmt.Errorf("serve -stop: ending process %d: %w", pid, err)
	}
	for end := time.Now().Add(stopTimeout); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if _, err := os.Stat(pidFile(dir)); errors.Is(err, os.ErrNotExist) {
			return nil
		}
	}
	return fmt.Errorf("serve -stop: process %d did not end", pid)
}
