package pages

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

	"portfolio-infra/internal/pages/pagestest"
)

// moduleFields are the fields of workerd's configuration for the kinds of modules.
// https://github.com/cloudflare/workerd/blob/main/src/workerd/server/workerd.capnp
var moduleFields = map[string]string{
	esModule: "esModule", "text/plain": "text", "application/octet-stream": "data", "application/wasm": "wasm",
}

// serve runs a _worker.bundle on Cloudflare's own runtime, and returns what it answers.
func serve(t *testing.T, bundle, path string) string {
	t.Helper()
	workerd := filepath.Join(pagestest.Modules(t), ".bin/workerd")
	if _, err := os.Stat(workerd); err != nil {
		t.Skip("workerd is not installed: make npm")
	}
	folder := t.TempDir()
	main := mainOf(t, bundle)
	var modules []string
	for i, m := range parts(t, []byte(bundle)) {
		if m.Field == "metadata" {
			continue
		}
		file := fmt.Sprint("module", i)
		files{file: m.Content}.write(t, folder)
		module := fmt.Sprintf("(name = %q, %s = embed %q)", m.Field, moduleFields[m.Type], file)
		if m.Field == main {
			modules = append([]string{module}, modules...) // the first one is the main module
		} else {
			modules = append(modules, module)
		}
	}
	files{"config.capnp": fmt.Sprintf(`using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "site", worker = (modules = [%s], compatibilityDate = "2026-01-31"))],
  sockets = [(name = "http", http = (), service = "site")],
);
`, strings.Join(modules, ", "))}.write(t, folder)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	socket, err := listener.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	cmd := exec.CommandContext(t.Context(), workerd, "serve", filepath.Join(folder, "config.capnp"), "--socket-fd=http=3")
	cmd.ExtraFiles = []*os.File{socket}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	client := http.Client{Timeout: time.Minute}
	response, err := client.Get("http://" + listener.Addr().String() + path)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(response.StatusCode, " ", string(body))
}
