package pages

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"portfolio-infra/internal/cloudflare"
)

const (
	benchFiles  = 2000
	benchBytes  = 200 << 20
	maxPeakSize = 60e6 // bytes
)

// BenchmarkDeploy deploys a large site with the program that `make build` makes, and deploys it
// again after one file has changed. It reports the peak of the program's memory.
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
		files{fmt.Sprintf("%d/%d.jpg", i/100, i): string(content)}.write(b, folder)
	}
	a := &api{token: jwt(`{}`), stages: []string{"deploy success"}}
	server := httptest.NewServer(a)
	defer server.Close()
	a.url = server.URL
	var peak int64
	deploy := func() (result DeployResult, took time.Duration) {
		request := jsonOf(b, DeployRequest{AccountID: account, Project: "site", Owner: owner, Site: folder, Digest: mustRead(b, Folder{Site: folder}).Digest})
		start := time.Now()
		cmd := exec.CommandContext(b.Context(), program, "deploy")
		cmd.Env = append(os.Environ(), cloudflare.EnvToken+"="+apiToken, cloudflare.EnvBaseURL+"="+server.URL+"/client/v4")
		cmd.Stdin = strings.NewReader(request)
		var progress, out bytes.Buffer
		cmd.Stderr, cmd.Stdout = &progress, &out
		if err := cmd.Start(); err != nil {
			b.Fatal(err)
		}
		ended := make(chan struct{})
		sampled := make(chan int64)
		go func() { sampled <- peakMemory(cmd.Process.Pid, ended) }()
		err = cmd.Wait()
		close(ended)
		peak = max(peak, <-sampled)
		if err != nil {
			b.Fatalf("%v: %s", err, &progress)
		}
		if err := json.Unmarshal(out.Bytes(), &result); err != nil {
			b.Fatal(err)
		}
		return result, time.Since(start)
	}
	var first, changed time.Duration
	for b.Loop() {
		a.assets, a.deployments, a.canonical = nil, nil, ""
		result, took := deploy()
		if first += took; result.Files != benchFiles || result.Uploaded != benchFiles {
			b.Fatalf("%+v", result)
		}
		files{"0/0.jpg": time.Now().String()}.write(b, folder)
		result, took = deploy()
		if changed += took; result.Uploaded != 1 {
			b.Fatalf("%+v", result)
		}
	}
	b.ReportMetric(float64(peak)/1e6, "peak-MB")
	b.ReportMetric(first.Seconds()/float64(b.N), "s/first")
	b.ReportMetric(changed.Seconds()/float64(b.N), "s/changed")
	b.ReportMetric(1, "uploaded/changed") // it fails otherwise
	if peak > maxPeakSize {
		b.Errorf("the program used %d bytes", peak)
	}
}

// peakMemory returns the most memory that a process used until it ended, as far as Linux tells.
// wait4 does not do: its figure begins with that of the parent process.
func peakMemory(pid int, ended <-chan struct{}) (peak int64) {
	for {
		status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if m := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(status); m != nil {
			kilobytes, _ := strconv.ParseInt(string(m[1]), 10, 64)
			peak = max(peak, kilobytes<<10)
		}
		select {
		case <-ended:
			return peak
		case <-time.After(5 * time.Millisecond):
		}
	}
}
