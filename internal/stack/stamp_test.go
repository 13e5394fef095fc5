package stack

import (
	"errors"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"portfolio-infra/internal/stamp"
	"portfolio-infra/internal/testcheck"
	"portfolio-infra/internal/testfiles"
)

// stamped is an engine whose provider has a stamp, or no function that says so.
type stamped struct {
	*engine
	stamp string
	err   error
}

func (s stamped) Call(args pulumi.MockCallArgs) (resource.PropertyMap, error) {
	if args.Token != "tidbcloud:index:getStamp" {
		return nil, errors.New("another function: " + args.Token)
	}
	return resource.PropertyMap{"stamp": resource.NewStringProperty(s.stamp)}, s.err
}

func TestCheckProvider(t *testing.T) {
	own, err := stamp.Sum("../..")
	if err != nil {
		t.Fatal(err)
	}
	broken := testfiles.Folder(t, map[string]string{"go.mod": "module m\n", stamp.Plugin + "/main.go": "package"})
	const old = "the provider binary is older than its source: run `make build`"
	for _, tt := range []struct {
		name, dir, stamp, err, want string
	}{
		{"the same", "../..", own, "", ""},
		{"another", "../..", own[1:], "", old},
		{"none, as Pulumi builds it", "../..", "", "", ""},
		{"before there were functions", "../..", "", "invocation of tidbcloud:index:getStamp returned an error: Invoke is not implemented", old},
		{"before this function", "../..", "", "invocation of tidbcloud:index:getStamp returned an error: Invoke 'tidbcloud:index:getStamp' not found", old},
		{"no plugin", "../..", "", "Invoke: no resource plugin 'tidbcloud' found", "asking the provider what it was built from"},
		{"no sources", t.TempDir(), "another", "", ""},
		{"broken sources", broken, "another", "", "reading the provider's sources"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := stamped{&engine{registered: map[string]pulumi.MockResourceArgs{}}, tt.stamp, nil}
			if tt.err != "" {
				e.err = errors.New(tt.err)
			}
			err := pulumi.RunErr(func(ctx *pulumi.Context) error { return checkProvider(ctx, tt.dir) }, pulumi.WithMocks("portfolio", "dev", e))
			testcheck.Error(t, err, tt.want)
		})
	}
}
