package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A run with nothing to do, beside one that cuts the Cloudflare SDK.
func BenchmarkRun(b *testing.B) {
	dir := b.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/real")); err != nil {
		b.Fatal(err)
	}
	slim := func() time.Duration {
		begin := time.Now()
		if code, _, stderr := runSlim(b, dir); code != exitOK {
			b.Fatalf("exit code %d: %s", code, stderr)
		}
		return time.Since(begin)
	}
	var cut, nothing time.Duration
	for b.Loop() {
		if err := os.RemoveAll(filepath.Join(dir, outputDir)); err != nil {
			b.Fatal(err)
		}
		cut += slim()
		nothing += slim()
	}
	b.ReportMetric(0, "ns/op") // it would be the sum of both
	b.ReportMetric(nothing.Seconds()/float64(b.N), "s/run")
	b.ReportMetric(float64(nothing)/float64(cut), "of-a-cut")
}
