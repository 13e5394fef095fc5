package deployment

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
)

const (
	benchFiles  = 2000
	benchBytes  = 200 << 20
	maxPeakSize = 200e6 // bytes
)

// BenchmarkDeploy deploys a large site, and again after one file has changed, by the
// program that `make build` makes. It reports the peak of the program's memory.
func BenchmarkDeploy(b *testing.B) {
	program, err := filepath.Abs("../../bin/portfolio")
	if err != nil {
		b.Fatal(err)
	}
	if _, err := os.Stat(program); err != nil {
		b.Skip("no bin/portfolio: make build")
	}
	folder := b.TempDir()
	content := make([]byte, benchBytes/benchFiles)
	random := rand.NewChaCha8([32]byte{})
	for i := range benchFiles {
		_, _ = random.Read(content)
		name := filepath.Join(folder, fmt.Sprint(i/100), fmt.Sprint(i)+".jpg")
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(name, content, 0o600); err != nil {
			b.Fatal(err)
		}
	}
	a := &api{token: jwt(`{}`), stages: []string{"deploy success"}}
	server := httptest.NewServer(a)
	defer server.Close()
	a.url = server.URL
	var peak int64
	deploy := func() (result Result) {
		site, err := Read(folder, nil)
		if err != nil {
			b.Fatal(err)
		}
		request, err := json.Marshal(Request{AccountID: account, Project: "site", Owner: owner, Site: folder, Digest: site.Digest})
		if err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		defer b.StopTimer()
		cmd := exec.CommandContext(b.Context(), program, "deploy")
		cmd.Env = append(os.Environ(), EnvToken+"="+apiToken, EnvBaseURL+"="+server.URL+"/client/v4")
		cmd.Stdin = bytes.NewReader(request)
		var progress bytes.Buffer
		cmd.Stderr = &progress
		out, err := cmd.Output()
		if err != nil {
			b.Fatalf("%v: %s", err, &progress)
		}
		if err := json.Unmarshal(out, &result); err != nil {
			b.Fatal(err)
		}
		used := cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss
		if runtime.GOOS == "linux" {
			used <<= 10 // kilobytes there, bytes on macOS
		}
		peak = max(peak, used)
		return result
	}
	b.StopTimer()
	for b.Loop() {
		a.assets, a.deployments, a.canonical = nil, nil, ""
		if first := deploy(); first.Files != benchFiles || first.Uploaded != benchFiles {
			b.Fatalf("%+v", first)
		}
		if err := os.WriteFile(filepath.Join(folder, "0", "0.jpg"), fmt.Append(nil, b.Elapsed()), 0o600); err != nil {
			b.Fatal(err)
		}
		if second := deploy(); second.Uploaded != 1 {
			b.Fatalf("%+v", second)
		}
		if err := os.WriteFile(filepath.Join(folder, "0", "0.jpg"), content, 0o600); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(peak)/1e6, "peakMB")
	if peak > maxPeakSize {
		b.Errorf("the program used %d bytes", peak)
	}
}
