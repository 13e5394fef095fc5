package site

import (
	"regexp"
	"strings"
)

// rule is a path or URL of _headers or _redirects, with at most one splat and any number
// of placeholders.
type rule struct {
	pattern   *regexp.Regexp
	crossHost bool
}

var (
	ruleSplat       = regexp.MustCompile(`\*`)
	rulePlaceholder = regexp.MustCompile(`:([A-Za-z]\w*)`)
	hostPlaceholder = regexp.MustCompile(`:([A-Za-z]\w*)\\`)
	ruleEscapes     = regexp.MustCompile(`[-/\\^$*+?.()|\[\]{}]`)
)

// isDynamic reports whether a path has a splat or placeholders.
func isDynamic(path string) bool {
	return ruleSplat.MatchString(path) || rulePlaceholder.MatchString(path)
}

// compileRule makes the regular expression that Cloudflare makes, which has a group for
// each name. ok is false for a rule that Cloudflare ignores, such as one with the same
// placeholder twice.
// https://github.com/cloudflare/workers-sdk/blob/main/packages/workers-shared/asset-worker/src/utils/rules-engine.ts
func compileRule(text string) (r rule, ok bool) {
	var parts []string
	for _, part := range strings.Split(text, "*") {
		parts = append(parts, ruleEscapes.ReplaceAllString(part, `\$0`))
	}
	source := strings.Join(parts, "(?<splat>.*)")
	const https = `https:\/\/`
	if rest, found := strings.CutPrefix(source, https); found {
		r.crossHost = true
		host, _, _ := strings.Cut(rest, "/")
		for _, m := range hostPlaceholder.FindAllStringSubmatch(host, -1) {
			source = strings.ReplaceAll(source, ":"+m[1], "(?<"+m[1]+">[^/.]+)")
		}
	}
	for _, m := range rulePlaceholder.FindAllStringSubmatch(source, -1) {
		source = strings.ReplaceAll(source, m[0], "(?<"+m[1]+">[^/]+)")
	}
	var err error
	r.pattern, err = regexp.Compile("^" + source + "$")
	return r, err == nil
}

// match matches a request and returns a function that fills in the rule's names.
func (r rule) match(hostname, pathname string) (fill func(string) string, ok bool) {
	if r.crossHost {
		pathname = "https://" + hostname + pathname
	}
	values := r.pattern.FindStringSubmatch(pathname)
	if values == nil {
		return nil, false
	}
	return func(s string) string {
		for i, name := range r.pattern.SubexpNames() {
			if name != "" {
				s = strings.ReplaceAll(s, ":"+name, values[i])
			}
		}
		return s
	}, true
}

// The limits of _headers and _redirects.
// https://github.com/cloudflare/workers-sdk/blob/main/packages/workers-shared/utils/configuration/constants.ts
const (
	maxLine             = 2000
	maxHeaderRules      = 100
	maxStaticRedirects  = 2000
	maxDynamicRedirects = 100
)

// ruleLines returns the lines of a file that are not empty, comments or too long.
func ruleLines(text []byte) (lines []string) {
	for line := range strings.SplitSeq(string(text), "\n") {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "#") && len([]rune(line)) <= maxLine {
			lines = append(lines, line)
		}
	}
	return lines
}

var (
	ruleURL  = regexp.MustCompile(`^https:///*([^/]+)/?(.*)`)
	rulePort = regexp.MustCompile(`.*:\d+$`)
)

// ruleTarget normalizes a path or a URL. A path keeps a query and a fragment only if
// withQuery is true; without it they are part of no path, as in Cloudflare.
// https://github.com/cloudflare/workers-sdk/blob/main/packages/workers-shared/utils/configuration/validateURL.ts
func ruleTarget(text string, withQuery, allowPort bool) (target string, ok bool) {
	origin := ""
	if m := ruleURL.FindStringSubmatch(text); m != nil {
		if !allowPort && rulePort.MatchString(m[1]) {
			return "", false
		}
		origin, text = "https://"+m[1], "/"+strings.TrimPrefix(m[2], "/")
	} else if !strings.HasPrefix(text, "/") {
		return "", false
	}
	text, frag, _ := strings.Cut(text, "#")
	text, query, _ := strings.Cut(text, "?")
	target = origin + normalize(text)
	if withQuery && query != "" {
		target += "?" + escape(query, escapedInQuery)
	}
	if withQuery && frag != "" {
		target += "#" + escape(frag, escapedInFragment)
	}
	return target, true
}
