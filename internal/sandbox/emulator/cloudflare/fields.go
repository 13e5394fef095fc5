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

// check checks a JSON value. The error begins with the path to what is wrong. It quotes no
// value, which might be a secret.
type check func(v any) error

// fields are the fields of an object. A name that ends in an exclamation mark is
// required.
type fields map[string]check

var (
	text      = must[string]("a string", nil)
	boolean   = must[bool]("true or false", nil)
	anyObject = must[map[string]any]("an object", nil)
	count     = must("a whole number", func(n float64) bool { return n >= 0 && n == math.Trunc(n) })
	rate      = must("a number from 0 to 1", func(n float64) bool { return n >= 0 && n <= 1 })
	date      = must("a date (yyyy-mm-dd)", func(s string) bool {
		_, err := time.Parse(time.DateOnly, s)
		return err == nil
	})
)

func anything(any) error { return nil }

// must checks that a value is a T for which ok, if not nil, returns true.
func must[T any](be string, ok func(T) bool) check {
	return func(v any) error {
		if t, isT := v.(T); !isT || ok != nil && !ok(t) {
			return errors.New("must be " + be)
		}
		return nil
	}
}

// oneNumber accepts only that number.
func oneNumber(want float64) check {
	return must(fmt.Sprint(want), func(n float64) bool { return n == want })
}

func oneOf(values ...string) check {
	return must("one of "+strings.Join(values, ", "), func(s string) bool { return slices.Contains(values, s) })
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

// mapOf accepts an object of objects with these fields, any of which may be null. Its keys are
// the names of bindings.
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
				return fmt.Errorf("%s: unknown field, or not emulated", name)
			}
		}
		return nil
	}
}
