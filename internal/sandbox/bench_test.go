package main

import (
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// An up with nothing to do is compared with that of a program without resources. The ratio
// says what the stack costs beyond the engine, whatever the machine.
func BenchmarkUp_nothingToDo(b *testing.B) {
	nothing, whole := openFixture(b, b.TempDir()), openFixture(b, b.TempDir())
	nothing.Program = func(*pulumi.Context) error { return nil }
	nothing.up()
	whole.up()
	var engine, all time.Duration
	for b.Loop() {
		begin := time.Now()
		nothing.up()
		middle := time.Now()
		whole.noChanges()
		engine += middle.Sub(begin)
		all += time.Since(middle)
	}
	b.ReportMetric(0, "ns/op") // it would be the sum of both
	b.ReportMetric(all.Seconds()/float64(b.N), "s/up")
	b.ReportMetric(float64(all)/float64(engine), "times-the-engine")
}
