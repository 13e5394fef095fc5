package main

import (
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// An up with nothing to do, beside that of a program without resources: the ratio
// says what the stack costs beyond the engine, whatever the machine.
func BenchmarkUp_nothingToDo(b *testing.B) {
	nothing := newWorld(b)
	b.Chdir("internal/sandbox")
	whole := newWorld(b)
	empty := func() {
		nothing.on(func(s auto.Stack) error {
			s.Workspace().SetProgram(func(*pulumi.Context) error { return nil })
			_, err := s.Up(b.Context())
			return err
		})
	}
	empty()
	whole.up()
	var engine, all time.Duration
	for b.Loop() {
		begin := time.Now()
		empty()
		middle := time.Now()
		whole.quiet()
		engine += middle.Sub(begin)
		all += time.Since(middle)
	}
	b.ReportMetric(0, "ns/op") // it would be the sum of both
	b.ReportMetric(all.Seconds()/float64(b.N), "s/up")
	b.ReportMetric(float64(all)/float64(engine), "times-the-engine")
}
