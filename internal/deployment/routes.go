package deployment

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Limits of _routes.json.
// https://developers.cloudflare.com/pages/functions/routing/#limits
const (
	maxRoutes      = 100
	maxRouteLength = 100
)

// checkRoutes checks a _routes.json, which says which requests reach the Functions.
// https://github.com/cloudflare/workers-sdk/blob/main/packages/pages-functions/src/routing/routes-validation.ts
func checkRoutes(text []byte) error {
	var routes struct {
		Version          int
		Description      string
		Include, Exclude []string
	}
	d := json.NewDecoder(bytes.NewReader(text))
	if err := d.Decode(&routes); err != nil {
		return fmt.Errorf("_routes.json: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("_routes.json: there is more after the object")
	}
	if routes.Version != 1 || routes.Include == nil || routes.Exclude == nil {
		return errors.New(`_routes.json: it must have "version": 1 and the lists "include" and "exclude"`)
	}
	if len(routes.Include) == 0 {
		return errors.New("_routes.json: include must have at least one rule")
	}
	if n := len(routes.Include) + len(routes.Exclude); n > maxRoutes {
		return fmt.Errorf("_routes.json: it has %d rules, and Pages takes %d", n, maxRoutes)
	}
	for _, rules := range [][]string{routes.Include, routes.Exclude} {
		for _, rule := range rules {
			switch {
			case !strings.HasPrefix(rule, "/"):
				return fmt.Errorf("_routes.json: the rule %q must begin with a slash", rule)
			case len(rule) > maxRouteLength:
				return fmt.Errorf("_routes.json: the rule %.20q… is longer than %d characters", rule, maxRouteLength)
			}
			for _, other := range rules {
				if covers(other, rule) {
					return fmt.Errorf("_routes.json: the rule %q covers %q: remove one of them", other, rule)
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
