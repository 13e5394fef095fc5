package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// serve runs the emulated clouds alone and prints, as lines for a shell, the
// environment with which any client talks to them. It runs until it is
// interrupted; in the background with detach.
func (s *sandbox) serve(ctx context.Context, detach, stop bool) error {
	switch {
	case detach && stop:
		return fmt.Errorf("serve: -detach and -stop exclude each other: %w", errUsage)
	case stop:
		return s.stopServing(ctx)
	case detach:
		return s.serveDetached(ctx)
	}
	return s.withClouds(ctx, func(c *clouds) error {
		if err := os.WriteFile(s.path("pid"), []byte(strconv.Itoa(os.Getpid())), 0o600); err != nil {
			return err
		}
		defer func() { _ = os.Remove(s.path("pid")) }()
		for _, name := range slices.Sorted(maps.Keys(c.env)) {
			fmt.Fprintf(s.stdout, "export %s=%s\n", name, quote(c.env[name]))
		}
		// An empty line ends it, for the one who started this in the background.
		fmt.Fprintln(s.stdout)
		<-ctx.Done()
		return nil
	})
}

// quote makes a word of a POSIX shell.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// serveDetached starts serve in the background and prints its environment.
func (s *sandbox) serveDetached(ctx context.Context) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	read, write, err := os.Pipe()
	if err != nil {
		return err
	}
	defer read.Close()
	cmd := exec.Command(self, "serve")
	cmd.Stdout = write
	// Whoever evaluates what this prints waits for the end of its output, so the
	// child must not hold it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		return errors.Join(err, write.Close())
	}
	if err := write.Close(); err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = read.SetReadDeadline(time.Now())
	})()
	env, err := readEnv(read)
	if ctx.Err() != nil {
		return fmt.Errorf("serving in the background: %w", ctx.Err())
	}
	if err != nil {
		_ = cmd.Wait()
		return fmt.Errorf("serving in the background: %s", strings.TrimPrefix(strings.TrimSpace(stderr.String()), "sandbox: "))
	}
	fmt.Fprint(s.stdout, env)
	return cmd.Process.Release()
}

// readEnv reads lines up to the first empty one.
func readEnv(r *os.File) (string, error) {
	var all strings.Builder
	buffer := make([]byte, 4096)
	for !strings.HasSuffix(all.String(), "\n\n") {
		n, err := r.Read(buffer)
		all.Write(buffer[:n])
		if err != nil {
			return "", errors.Join(err, io.ErrUnexpectedEOF)
		}
	}
	return strings.TrimSuffix(all.String(), "\n"), nil
}

// stopTimeout is how long a server in the background may take to end.
const stopTimeout = 5 * time.Second

var errNothingServes = errors.New("serve -stop: nothing serves in this folder")

// stopServing ends the server of this folder.
func (s *sandbox) stopServing(ctx context.Context) error {
	text, err := os.ReadFile(s.path("pid"))
	if errors.Is(err, os.ErrNotExist) {
		return errNothingServes
	}
	if err != nil {
		return err
	}
	// Without the lock there is no server: it was killed, and its number may be another
	// process's by now.
	if unlock, err := s.lock(ctx); err == nil {
		defer unlock()
		return errors.Join(errNothingServes, os.Remove(s.path("pid")))
	}
	pid, err := strconv.Atoi(string(text))
	if err != nil {
		return fmt.Errorf("serve -stop: reading the process ID: %w", err)
	}
	if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
		return fmt.Errorf("serve -stop: ending process %d: %w", pid, err)
	}
	for end := time.Now().Add(stopTimeout); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if _, err := os.Stat(s.path("pid")); errors.Is(err, os.ErrNotExist) {
			return nil
		}
	}
	return fmt.Errorf("serve -stop: process %d did not end", pid)
}
