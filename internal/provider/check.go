package provider

import (
	"context"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/infer"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
)

// checker collects all problems of a resource's inputs.
type checker struct {
	inputs   property.Map
	broken   map[string]bool // inputs that could not be decoded
	failures []p.CheckFailure
}

// decode decodes inputs into I. The checker already has what does not fit: missing and unknown
// inputs, and wrong types.
func decode[I any](ctx context.Context, inputs property.Map) (I, *checker, error) {
	args, failures, err := infer.DefaultCheck[I](ctx, inputs)
	broken := map[string]bool{}
	for i, f := range failures {
		broken[f.Property] = true
		// The default wording names Go types.
		if _, given := inputs.GetOk(f.Property); !given {
			failures[i].Reason = "is required"
		} else if !hasInput(reflect.TypeFor[I](), f.Property) {
			failures[i].Reason = "unknown property; check the spelling"
		}
	}
	return args, &checker{inputs, broken, failures}, err
}

// hasInput reports whether an Args struct has a field for the input.
func hasInput(args reflect.Type, input string) bool {
	return slices.ContainsFunc(reflect.VisibleFields(args), func(f reflect.StructField) bool { return inputName(f) == input })
}

// that adds a failure of an input unless ok. An input passes if a preview does not know it yet,
// or if it could not be decoded and has its failure.
func (c *checker) that(input string, ok bool, format string, args ...any) {
	if ok || c.broken[input] || c.inputs.Get(input).HasComputed() {
		return
	}
	c.failures = append(c.failures, p.CheckFailure{Property: input, Reason: fmt.Sprintf(format, args...)})
}

// valid adds err, if any, as a failure of an input.
func (c *checker) valid(input string, err error) { c.that(input, err == nil, "%v", err) }

// networks checks ranges of addresses. It refuses an empty list, which could mean nobody or
// everybody.
func (c *checker) networks(input string, networks []AuthorizedNetwork) {
	given := c.inputs.Get(input) // the decoded input is the same for an empty list and none
	c.that(input, !given.IsArray() || given.AsArray().Len() > 0, "must not be empty; leave it out to keep what TiDB Cloud has")
	for i, n := range networks {
		c.that(input, n.DisplayName != "", "range %d needs a displayName", i+1)
		first, err1 := netip.ParseAddr(n.StartIPAddress)
		last, err2 := netip.ParseAddr(n.EndIPAddress)
		valid := err1 == nil && err2 == nil && first.Is4() && last.Is4() && !last.Less(first)
		c.that(input, valid, "range %d, from %q to %q, must be two IPv4 addresses, the lower one first", i+1, n.StartIPAddress, n.EndIPAddress)
	}
}

// labelAllowed reports whether a user may set a label key.
func labelAllowed(key string) bool {
	return key != "" && key != OwnerLabel && key != MadeForLabel && !strings.HasPrefix(key, "tidb.cloud/")
}

// orZero returns the value of an optional input, and the zero value if it is unset.
func orZero[T any](input *T) T {
	if input == nil {
		return *new(T)
	}
	return *input
}
