package stack

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"portfolio-infra/internal/stamp"
)

// checkProvider refuses a provider that was not built from the sources in the project's
// folder. One without a stamp passes, such as one that Pulumi has compiled from them in this
// run, and a folder without the sources has nothing to compare.
func checkProvider(ctx *pulumi.Context, dir string) error {
	want, err := stamp.Sum(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading the provider's sources: %w", err)
	}
	var got struct {
		Stamp string `pulumi:"stamp"`
	}
	err = ctx.Invoke("tidbcloud:index:getStamp", nil, &got)
	switch {
	case unknownFunction(err) || err == nil && got.Stamp != "" && got.Stamp != want:
		return errors.New("the provider binary is older than its source: run `make build`")
	case err != nil:
		return fmt.Errorf("asking the provider what it was built from: %w", err)
	}
	return nil
}

// unknownFunction reports whether a provider has no such function, as one from before the
// stamp. Only the text tells: the engine drops the code (its errors have no GRPCStatus,
// https://github.com/pulumi/pulumi/blob/v3.256.0/pkg/resource/deploy/source_eval.go, Invoke).
// A provider without functions has the first text, one without this function the second
// (https://github.com/pulumi/pulumi-go-provider/blob/v1.5.0/provider.go and
// middleware/dispatch/dispatch.go).
func unknownFunction(err error) bool {
	return err != nil && (strings.Contains(err.Error(), "Invoke is not implemented") || strings.Contains(err.Error(), "getStamp' not found"))
}
