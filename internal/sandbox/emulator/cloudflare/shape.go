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

// shape checks a JSON value. Its error begins with the path to what is wrong,
// and never holds a value: that may be a secret.
type shape func(v any) error

// at puts one step of the path in front of an error.
func at(step string, err error) error {
	return fmt.Errorf("%s: %w", step, err)
}

func anything(any) error { return nil }

func text(v any) error {
	if _, ok := v.(string); !ok {
		return errors.New("must be a string")
	}
	return nil
}

func boolean(v any) error {
	if _, ok := v.(bool); !ok {
		return errors.New("must be true or false")
	}
	return nil
}

func count(v any) error {
	if n, ok := v.(float64); !ok || n < 0 || n != math.Trunc(n) {
		return errors.New("must be a whole number")
	}
	return nil
}

func rate(v any) error {
	if n, ok := v.(float64); !ok || n < 0 || n > 1 {
		return errors.New("must be a number from 0 to 1")
	}
	return nil
}

func date(v any) error {
	s, _ := v.(string)
	if _, err := time.Parse(time.DateOnly, s); err != nil {
		return errors.New("must be a date (yyyy-mm-dd)")
	}
	return nil
}

func anyObject(v any) error {
	if _, ok := v.(map[string]any); !ok {
		return errors.New("must be an object")
	}
	return nil
}

func oneOf(values ...string) shape {
	return func(v any) error {
		if s, ok := v.(string); !ok || !slices.Contains(values, s) {
			return fmt.Errorf("must be one of %s", strings.Join(values, ", "))
		}
		return nil
	}
}

// orNull lets a null pass, which deletes a key or says that there is nothing.
func orNull(s shape) shape {
	return func(v any) error {
		if v == nil {
			return nil
		}
		return s(v)
	}
}

func listOf(each shape) shape {
	return func(v any) error {
		list, ok := v.([]any)
		if !ok {
			return errors.New("must be a list")
		}
		for i, v := range list {
			if err := each(v); err != nil {
				return at(fmt.Sprint(i), err)
			}
		}
		return nil
	}
}

// mapOf is an object whose keys are names that code can use.
func mapOf(each shape) shape {
	return func(v any) error {
		if err := anyObject(v); err != nil {
			return err
		}
		m := v.(map[string]any)
		for _, k := range slices.Sorted(maps.Keys(m)) {
			if !identifier.MatchString(k) {
				return fmt.Errorf("%q is not a name: letters, digits and underscores, no digit first", k)
			}
			if err := each(m[k]); err != nil {
				return at(k, err)
			}
		}
		return nil
	}
}

var identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// fields are the fields of an object. A name that ends in an exclamation mark
// must be there.
type fields map[string]shape

// required are the same fields, of which these must be there.
func required(fs fields, names ...string) fields {
	out := maps.Clone(fs)
	for _, name := range names {
		out[name+"!"] = out[name]
		delete(out, name)
	}
	return out
}

func object(fs fields) shape {
	return func(v any) error {
		if err := anyObject(v); err != nil {
			return err
		}
		m := v.(map[string]any)
		for _, k := range slices.Sorted(maps.Keys(fs)) {
			name, must := strings.CutSuffix(k, "!")
			v, is := m[name]
			if !is && must {
				return at(name, errors.New("is missing"))
			}
			if is {
				if err := fs[k](v); err != nil {
					return at(name, err)
				}
			}
		}
		for _, k := range slices.Sorted(maps.Keys(m)) {
			if fs[k] == nil && fs[k+"!"] == nil {
				return at(k, errors.New("is not a field that the API documents"))
			}
		}
		return nil
	}
}

// merge applies a PATCH to the object dst: a null deletes its key, an object
// merges into the one that is there, so many levels down, and anything else
// takes the place of what was.
func merge(dst, patch map[string]any, levels int) {
	for k, v := range patch {
		deeper, isObject := v.(map[string]any)
		switch {
		case v == nil:
			delete(dst, k)
		case isObject && levels > 0:
			old := child(dst, k)
			if old == nil {
				old = map[string]any{}
			}
			merge(old, deeper, levels-1)
			dst[k] = old
		default:
			dst[k] = v
		}
	}
}

// child returns the object at key, or nil.
func child(m map[string]any, key string) map[string]any {
	c, _ := m[key].(map[string]any)
	return c
}

// word returns the string at key, or "".
func word(m map[string]any, key string) string {
	s, _ := m[key].(string)
	return s
}
