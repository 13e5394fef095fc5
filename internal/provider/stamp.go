package provider

import (
	"context"

	"github.com/pulumi/pulumi-go-provider/infer"
)

var (
	_ infer.Fn[StampArgs, StampResult] = (*GetStamp)(nil)
	_ infer.Annotated                  = (*GetStamp)(nil)
	_ infer.Annotated                  = (*StampResult)(nil)
)

// stamp is the sum of the sources, see package stamp. `make build` sets it with
// -ldflags "-X portfolio-infra/internal/provider.stamp=…".
var stamp string

// GetStamp is the function tidbcloud:index:getStamp.
type GetStamp struct{}

// StampArgs are the inputs of [GetStamp].
type StampArgs struct{}

// StampResult is the result of [GetStamp].
type StampResult struct {
	Stamp string `pulumi:"stamp"`
}

// Annotate implements [infer.Annotated].
func (f *GetStamp) Annotate(a infer.Annotator) {
	a.Describe(f, "What this provider was built from. The program asks for it before it registers anything.")
}

// Annotate implements [infer.Annotated].
func (r *StampResult) Annotate(a infer.Annotator) {
	a.Describe(&r.Stamp, "Sum of the provider's sources. Empty if it was built without one, as Pulumi itself does.")
}

// Invoke implements [infer.Fn].
func (*GetStamp) Invoke(context.Context, infer.FunctionRequest[StampArgs]) (infer.FunctionResponse[StampResult], error) {
	return infer.FunctionResponse[StampResult]{Output: StampResult{stamp}}, nil
}
