package pages

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Limits of _routes.json.
// https://developers.cloudflare.com/pages/functions/routing/#limits
const (
	maxRoutes      = 100
	maxRouteLength = 100 // characters
)

// checkRoutes checks a _routes.json, which says which requests reach the Functions.
// https://github.com/cloudflare/workers-sdk/blob/main/packages/pages-functions/src/routing/routes-validation.ts
func checkRoutes(text []byte) error {
	var routes struct {
		Version          int
		Include, Exclude []string
	}
	d := json.NewDecoder(bytes.NewReader(text))
	if err := d.Decode(&routes); err != nil {
		return fmt.Errorf("%s: %w", routesFile, err)
	}
	problem := func(format string, args ...any) error {
		return fmt.Errorf("%s: %w", routesFile, fmt.Errorf(format, args...))
	}
	n := len(routes.Include) + len(routes.Exclude)
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return problem("unexpected text after the object")
	}
	switch {
	case routes.Version != 1 || routes.Include == nil || routes.Exclude == nil:
		return problem(`it must have "version": 1 and the lists "include" and "exclude"`)
	case len(routes.Include) == 0:
		return problem("include needs at least one rule")
	case n > maxRoutes:
		return problem("it has %d rules, and Pages takes %d", n, maxRoutes)
	}
	for _, rules := range [][]string{routes.Include, routes.Exclude} {
		for _, rule := range rules {
			switch {
			case !strings.HasPrefix(rule, "/"):
				return problem("the rule %q must begin with a slash", rule)
			case utf8.RuneCountInString(rule) > maxRouteLength:
				return problem("the rule %.20q… is longer than %d characters", rule, maxRouteLength)
			}
			for _, other := range rules {
				if covers(other, rule) {
					return problem("the rule %q covers %q: remove one of them", other, rule)
				}
			}
		}
	}
	return nil
}

// covers reports whether a rule that ends in /* makes another one redundant.
func covers(rule, other string) bool {
	prefix, splat := strings.CutSuffix(rule, "*")
	return splat && strings.HasSuffix(prefix, "/") && rule != other && strings.HasPrefix(other, prefix)
}
