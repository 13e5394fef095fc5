package pagestest

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Worker is a Worker for Cloudflare's own runtime. Its main module is the first.
type Worker struct {
	Date    string
	Flags   []string
	Modules []Module
}

// Module is a module of a Worker. Its type is that of the part of a form that would have it.
type Module struct{ Name, Type, Content string }

// moduleFields are the fields of workerd's configuration for the types of modules.
// https://github.com/cloudflare/workerd/blob/main/src/workerd/server/workerd.capnp
var moduleFields = map[string]string{
	"application/javascript+module": "esModule", "text/plain": "text", "application/octet-stream": "data", "application/wasm": "wasm",
}

// Answers runs Workers on one workerd, and returns the status and the body with which each
// answers a path.
func Answers(t testing.TB, path string, workers map[string]Worker) map[string]string {
	t.Helper()
	workerd := filepath.Join(Modules(t), ".bin/workerd")
	if _, err := os.Stat(workerd); err != nil {
		t.Skip("workerd is not installed: make npm")
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	folder := t.TempDir()
	var services, sockets, args []string
	var files []*os.File
	addresses := map[string]string{}
	for name, w := range workers {
		var modules, flags []string
		for i, m := range w.Modules {
			file := fmt.Sprintf("%d-%d", len(files), i)
			must(os.WriteFile(filepath.Join(folder, file), []byte(m.Content), 0o600))
			modules = append(modules, fmt.Sprintf("(name = %q, %s = embed %q)", m.Name, moduleFields[m.Type], file))
		}
		for _, flag := range w.Flags {
			flags = append(flags, fmt.Sprintf("%q", flag))
		}
		services = append(services, fmt.Sprintf("(name = %q, worker = (modules = [%s], compatibilityDate = %q, compatibilityFlags = [%s]))",
			name, strings.Join(modules, ", "), w.Date, strings.Join(flags, ", ")))
		sockets = append(sockets, fmt.Sprintf("(name = %q, http = (), service = %[1]q)", name))
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		must(err)
		socket, err := listener.(*net.TCPListener).File()
		_ = listener.Close()
		must(err)
		args = append(args, fmt.Sprintf("--socket-fd=%s=%d", name, 3+len(files)))
		files = append(files, socket)
		addresses[name] = listener.Addr().String()
	}
	config := filepath.Join(folder, "config.capnp")
	must(os.WriteFile(config, fmt.Appendf(nil, "using Workerd = import \"/workerd/workerd.capnp\";\nconst config :Workerd.Config = (services = [%s], sockets = [%s]);\n",
		strings.Join(services, ",\n"), strings.Join(sockets, ", ")), 0o600))
	cmd := exec.CommandContext(t.Context(), workerd, append([]string{"serve", config}, args...)...)
	cmd.ExtraFiles = files
	cmd.Stderr = os.Stderr
	err := cmd.Start()
	for _, socket := range files {
		_ = socket.Close() // if workerd ends, nobody waits for it
	}
	must(err)
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	all := map[string]string{}
	client := http.Client{Timeout: time.Minute}
	for name, address := range addresses {
		response, err := client.Get("http://" + address + path)
		must(err)
		body, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		must(err)
		all[name] = fmt.Sprint(response.StatusCode, " ", string(body))
	}
	return all
}
