package site

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// headerRule is what _headers says about the paths of a rule.
type headerRule struct {
	path string
	rule
	// set has names in lower case, in their order.
	set   []header
	unset []string
}

type header struct{ name, value string }

var looksLikePath = regexp.MustCompile(`^([^\s]+://|/)`)

// parseHeaders reads _headers. Cloudflare ignores what is wrong in it.
// https://github.com/cloudflare/workers-sdk/blob/main/packages/workers-shared/utils/configuration/parseHeaders.ts
func parseHeaders(text []byte) []headerRule {
	var parsed []headerRule
	var current *headerRule
	end := func() {
		if current != nil && (len(current.set) > 0 || len(current.unset) > 0) {
			parsed = append(parsed, *current)
		}
		current = nil
	}
	for _, line := range ruleLines(text) {
		if looksLikePath.MatchString(line) {
			if len(parsed) >= maxHeaderRules {
				break
			}
			end()
			if path, ok := ruleTarget(line, false, false); ok && splats(path) <= 1 {
				current = &headerRule{path: path}
			}
			continue
		}
		if current != nil {
			current.add(line)
		}
	}
	end()
	return compileHeaders(parsed)
}

var splatName = regexp.MustCompile(`:splat(\W|$)`)

// splats counts what a rule would call by the name splat.
func splats(path string) int {
	n := strings.Count(path, "*")
	if n > 0 && splatName.MatchString(path) {
		n++
	}
	return n
}

// add reads a line below a path.
func (r *headerRule) add(line string) {
	name, value, ok := strings.Cut(line, ":")
	if !ok {
		if name, ok := strings.CutPrefix(line, "! "); ok {
			r.unset = append(r.unset, name)
		}
		return
	}
	name, value = strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(value)
	if name == "" || value == "" || strings.Contains(name, " ") {
		return
	}
	if i := slices.IndexFunc(r.set, func(h header) bool { return h.name == name }); i >= 0 {
		r.set[i].value += ", " + value
		return
	}
	r.set = append(r.set, header{name, value})
}

// compileHeaders lets the last rule of a path take the place of the first.
func compileHeaders(parsed []headerRule) (rules []headerRule) {
	for _, r := range parsed {
		if i := slices.IndexFunc(rules, func(other headerRule) bool { return other.path == r.path }); i >= 0 {
			r.rule = rules[i].rule
			rules[i] = r
			continue
		}
		var ok bool
		if r.rule, ok = compileRule(r.path); ok {
			rules = append(rules, r)
		}
	}
	return rules
}

// applyHeaders sets what the rules say about a request. A rule takes the place of the
// header of an asset, and adds to that of another rule.
func applyHeaders(rules []headerRule, h http.Header, hostname, pathname string) {
	set := map[string]bool{}
	for _, r := range rules {
		fill, ok := r.match(hostname, pathname)
		if !ok {
			continue
		}
		for _, name := range r.unset {
			h.Del(name)
		}
		for _, header := range r.set {
			if !set[header.name] {
				h.Del(header.name)
			}
			set[header.name] = true
			h.Add(header.name, fill(header.value))
		}
	}
}
