package cloudflare

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"
)

// check checks a JSON value. The error begins with the path to what is wrong. It
// has no value in it, which might be a secret.
type check func(v any) error

// fields are the fields of an object. A name that ends in an exclamation mark is
// required.
type fields map[string]check

var (
	text      = is[string]("a string")
	boolean   = is[bool]("true or false")
	anyObject = is[map[string]any]("an object")
	count     = numeric("a whole number", func(n float64) bool { return n >= 0 && n == math.Trunc(n) })
	rate      = numeric("a number from 0 to 1", func(n float64) bool { return n >= 0 && n <= 1 })
)

func anything(any) error { return nil }

func is[T any](what string) check {
	return func(v any) error {
		if _, ok := v.(T); !ok {
			return errors.New("must be " + what)
		}
		return nil
	}
}

func numeric(what string, ok func(float64) bool) check {
	return func(v any) error {
		if n, isNumber := v.(float64); !isNumber || !ok(n) {
			return errors.New("must be " + what)
		}
		return nil
	}
}

func date(v any) error {
	s, _ := v.(string)
	if _, err := time.Parse(time.DateOnly, s); err != nil {
		return errors.New("must be a date (yyyy-mm-dd)")
	}
	return nil
}

func oneOf(values ...string) check {
	return func(v any) error {
		if s, ok := v.(string); !ok || !slices.Contains(values, s) {
			return fmt.Errorf("must be one of %s", strings.Join(values, ", "))
		}
		return nil
	}
}

func orNull(c check) check {
	return func(v any) error {
		if v == nil {
			return nil
		}
		return c(v)
	}
}

// nullable returns the same fields, each of which may be null.
func nullable(fs fields) fields {
	for name, c := range fs {
		fs[name] = orNull(c)
	}
	return fs
}

func listOf(each check) check {
	return func(v any) error {
		list, ok := v.([]any)
		if !ok {
			return errors.New("must be a list")
		}
		for i, v := range list {
			if err := each(v); err != nil {
				return fmt.Errorf("%d: %w", i, err)
			}
		}
		return nil
	}
}

var identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// mapOf is an object of objects with these fields, any of which may be null. Its
// keys are the names of bindings.
func mapOf(fs fields) check {
	each := orNull(object(fs))
	return func(v any) error {
		if err := anyObject(v); err != nil {
			return err
		}
		m := v.(map[string]any)
		for _, name := range slices.Sorted(maps.Keys(m)) {
			if !identifier.MatchString(name) {
				return fmt.Errorf("%q is not a name: letters, digits and underscores, no digit first", name)
			}
			if err := each(m[name]); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		return nil
	}
}

func object(fs fields) check {
	return func(v any) error {
		if err := anyObject(v); err != nil {
			return err
		}
		m := v.(map[string]any)
		for _, key := range slices.Sorted(maps.Keys(fs)) {
			name, required := strings.CutSuffix(key, "!")
			v, ok := m[name]
			if !ok && required {
				return fmt.Errorf("%s: is required", name)
			}
			if ok {
				if err := fs[key](v); err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
			}
		}
		for _, name := range slices.Sorted(maps.Keys(m)) {
			if fs[name] == nil && fs[name+"!"] == nil {
				return fmt.Errorf("%s: unknown field", name)
			}
		}
		return nil
	}
}
