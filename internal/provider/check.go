package provider

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"

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

// owner checks the owner of a cluster or branch. Only an imported one may have none.
func (c *checker) owner(req infer.CheckRequest, owner string) {
	old, had := req.OldInputs.GetOk("owner")
	unowned := owner == "" && had && old.IsString() && old.AsString() == ""
	c.that("owner", unowned || validOwner(owner),
		"%q must have 1 to 63 letters, digits, hyphens, underscores and dots, with a letter or digit first and last, and must not be %s; use project.stack, for example", owner, FreeOwner)
}

// keys checks the keys of labels or annotations.
func (c *checker) keys(input string, values map[string]string) {
	for _, key := range slices.Sorted(maps.Keys(values)) {
		c.that(input, labelAllowed(key), "%q is reserved: leave out empty keys, those under tidb.cloud/ (use projectId) and %s (use owner)", key, OwnerLabel)
	}
}

// orZero returns the value of an optional input, and the zero value if it is unset.
func orZero[T any](input *T) T {
	if input == nil {
		return *new(T)
	}
	return *input
}
