package clouds

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"
)

// shareFile returns the path of the socket that shares the environment. It is short, since a
// socket's path has at most about 100 bytes.
// https://man7.org/linux/man-pages/man7/unix.7.html
func shareFile(dir string) string {
	file := filepath.Join(dir, "share", "env.sock")
	if wd, err := os.Getwd(); err == nil {
		if short, err := filepath.Rel(wd, file); err == nil && len(short) < len(file) {
			return short
		}
	}
	return file
}

// Share hands the environment to other processes of this user until Close. They ask for it by
// [SharedEnvironment]. It has credentials, which must be in no file, so it goes through a
// socket. The socket has a folder of its own that other users cannot enter. dir may be open to
// them, since npm creates it too.
func (c *Clouds) Share(dir string) error {
	file := shareFile(dir)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	// The socket of a killed process would be in the way. No live process has one: we hold the
	// lock.
	if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "unix", file)
	if err != nil {
		return fmt.Errorf("sharing the environment of the emulated clouds: %w", err)
	}
	c.share = l
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_ = conn.SetDeadline(time.Now().Add(time.Second))
			_ = json.NewEncoder(conn).Encode(c.Env)
			_ = conn.Close()
		}
	}()
	return nil
}

// SharedEnvironment returns the environment of the clouds that another process serves
// from dir. ok is false if none does.
func SharedEnvironment(ctx context.Context, dir string) (env map[string]string, ok bool) {
	conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "unix", shareFile(dir))
	if err != nil {
		return nil, false
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(time.Second))
	if err := json.NewDecoder(conn).Decode(&env); err != nil {
		return nil, false
	}
	return env, true
}
