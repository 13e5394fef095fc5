package site

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// routes says for which paths the Functions run.
type routes struct {
	Include []string `json:"include"`
	Exclude []string `json:"exclude"`
}

// parseRoutes reads _routes.json. Without one the Functions run for every path.
func parseRoutes(text []byte) (routes, error) {
	if text == nil {
		return routes{Include: []string{"/*"}}, nil
	}
	var r routes
	if err := json.Unmarshal(text, &r); err != nil {
		return r, fmt.Errorf("_routes.json: %w", err)
	}
	return r, nil
}

// runFunctions reports whether the Functions run for a path. An exclusion wins.
// https://github.com/cloudflare/workers-sdk/blob/main/packages/wrangler/templates/pages-dev-pipeline.ts
func (r routes) runFunctions(pathname string) bool {
	matches := func(rule string) bool { return routePattern(rule).MatchString(pathname) }
	return !slices.ContainsFunc(r.Exclude, matches) && slices.ContainsFunc(r.Include, matches)
}

// routePattern compiles a rule. /a/* and /a/ match /a as well.
// https://github.com/cloudflare/workers-sdk/blob/main/packages/wrangler/templates/pages-dev-util.ts
func routePattern(rule string) *regexp.Regexp {
	optional := ""
	switch {
	case rule == "/" || rule == "/*":
	case strings.HasSuffix(rule, "/*"):
		rule, optional = strings.TrimSuffix(rule, "/*"), "(/.*)?"
	case strings.HasSuffix(rule, "*"):
	default:
		rule, optional = strings.TrimSuffix(rule, "/"), "/?"
	}
	return regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(rule), `\*`, ".*") + optional + "$")
}
