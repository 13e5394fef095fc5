package main

import (
	"context"
	"fmt"
	"strings"
	"testing"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/infer"

	"portfolio-infra/internal/sandbox/standin"
)

// otherFunction is a function of a provider that has no stamp yet.
type otherFunction struct{}

func (otherFunction) Invoke(context.Context, infer.FunctionRequest[struct{}]) (infer.FunctionResponse[struct{}], error) {
	return infer.FunctionResponse[struct{}]{}, nil
}

// A provider from before the stamp is refused in one line, before anything
// is registered and without a call to a cloud. The real engine has its own words for a
// function that a provider does not know; see unknownFunction in package stack.
func TestStamp(t *testing.T) {
	f := newFixture(t)
	for name, provider := range map[string]p.Provider{
		"before there were functions": infer.Provider(infer.Options{}),
		"before this function":        infer.Provider(infer.Options{Functions: []infer.InferredFunction{infer.Function(otherFunction{})}}),
	} {
		port, stop, err := standin.Serve("tidbcloud", "1.0.0", provider)
		if err != nil {
			t.Fatal(err)
		}
		f.Env["PULUMI_DEBUG_PROVIDERS"] = fmt.Sprintf("tidbcloud:%d", port)
		r := f.fails("up", "the provider binary is older than its source: run `make build`")
		f.want(name+": calls", len(r.calls), 0)
		if n := strings.Count(f.printed.String(), "make build"); n > 2 { // once below the resource, once in the error of the operation
			t.Errorf("%s: said %d times:\n%s", name, n, f.printed.String())
		}
		stop()
	}
}
