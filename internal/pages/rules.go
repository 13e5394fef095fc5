package pages

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
)

// Cloudflare ignores lines of _headers and _redirects that it cannot use, and says so only in
// `wrangler pages dev`. The code below finds them as Cloudflare's own parsers do. That the API
// has the same parsers is assumed.
// https://github.com/cloudflare/workers-sdk/blob/f8308360/packages/workers-shared/utils/configuration

// Limits of the parsers (constants.ts).
const (
	maxLineLength       = 2000
	maxHeaderRules      = 100
	maxStaticRedirects  = 2000
	maxDynamicRedirects = 100
)

// line is a line of a control file: the path that it is for, or why it is ignored.
type line struct {
	number    int // from 1
	from, why string
	robots    bool // the rule sets or deletes the header X-Robots-Tag
}

// lines are the lines of a control file that have a rule, and those that Cloudflare ignores.
type lines struct{ rules, ignored []line }

func (l *lines) ignore(number int, format string, args ...any) {
	l.ignored = append(l.ignored, line{number: number, why: fmt.Sprintf(format, args...)})
}

// warning says which lines of a control file are ignored, or is "".
func (l *lines) warning(name string) string {
	if len(l.ignored) == 0 {
		return ""
	}
	slices.SortStableFunc(l.ignored, func(a, b line) int { return a.number - b.number })
	var all []string
	for _, i := range l.ignored {
		all = append(all, fmt.Sprintf("line %d (%s)", i.number, i.why))
	}
	return fmt.Sprintf("%s: Cloudflare ignores %s", name, few(all, maxListed))
}

// space is white space in JavaScript's \s and trim.
const space = `[\t-\r\p{Z}\x{feff}]`

var (
	aroundLine  = regexp.MustCompile(`^` + space + `+|` + space + `+$`)
	betweenWord = regexp.MustCompile(space + `+`)
	endComment  = regexp.MustCompile(space + `+#.*$`)
)

// content calls f for each line that is neither empty nor a comment nor too long, until it
// returns false.
func (l *lines) content(text string, f func(number int, text string) bool) {
	for i, s := range strings.Split(string([]rune(text)), "\n") {
		s = aroundLine.ReplaceAllString(s, "")
		switch {
		case s == "" || strings.HasPrefix(s, "#"):
		case len(s) > maxLineLength && len(utf16.Encode([]rune(s))) > maxLineLength:
			l.ignore(i+1, "it is longer than %d characters", maxLineLength)
		case !f(i+1, s):
			return
		}
	}
}

var (
	pathLine  = regexp.MustCompile(`^([^\t-\r\p{Z}\x{feff}]+://|/)`)
	hostURL   = regexp.MustCompile(`^https://+([^/]+)/?(.*)`)
	portAtEnd = regexp.MustCompile(`:\d+$`)
)

// parseHeaders reads a _headers file (parseHeaders.ts). A rule is its path and the lines
// below it.
func parseHeaders(text string) lines {
	var l lines
	var rule line // there is none if the number is 0
	used, skip := false, false
	end := func() {
		switch {
		case rule.number == 0:
		case used:
			l.rules = append(l.rules, rule)
		default:
			l.ignore(rule.number, "no header follows the path")
		}
		rule, used = line{}, false
	}
	l.content(text, func(number int, s string) bool {
		if pathLine.MatchString(s) {
			if len(l.rules) >= maxHeaderRules {
				l.ignore(number, "with all that follows: a site has at most %d header rules", maxHeaderRules)
				return false
			}
			end()
			from, why := headerPath(s)
			if skip = why != ""; skip {
				l.ignore(number, "with the headers below it: %s", why)
			} else {
				rule = line{number: number, from: from}
			}
			return true
		}
		name, value, pair := strings.Cut(s, ":")
		trim := func(s string) string { return aroundLine.ReplaceAllString(s, "") }
		name, value = trim(name), trim(value)
		switch {
		case skip:
		case !pair && rule.number > 0 && strings.HasPrefix(s, "! "):
			used = true
			rule.robots = rule.robots || strings.EqualFold(s[len("! "):], robotsTag)
		case !pair && rule.number > 0:
			l.ignore(number, "a header is NAME: VALUE")
		case !pair:
			l.ignore(number, "a path begins with a slash")
		case strings.Contains(name, " "):
			l.ignore(number, "the name of a header has no spaces")
		case name == "":
			l.ignore(number, "the header has no name")
		case value == "":
			l.ignore(number, "the header has no value")
		case rule.number == 0:
			l.ignore(number, "no path stands above the header")
		default:
			used = true
			rule.robots = rule.robots || strings.EqualFold(name, robotsTag)
		}
		return true
	})
	end()
	l.dropRepeated()
	l.dropUnmatchable()
	return l
}

// dropRepeated ignores rules that a later rule for the same path replaces
// (constructConfiguration.ts, constructHeaders).
func (l *lines) dropRepeated() {
	last := map[string]int{}
	for _, r := range l.rules {
		last[r.from] = r.number
	}
	l.rules = slices.DeleteFunc(l.rules, func(r line) bool {
		replaced := last[r.from] != r.number
		if replaced {
			l.ignore(r.number, "with the headers below it: line %d is for the same path", last[r.from])
		}
		return replaced
	})
}

// headerPath returns the path of a rule, or why there is none.
func headerPath(s string) (from, why string) {
	if found := hostURL.FindStringSubmatch(s); found != nil {
		if portAtEnd.MatchString(found[1]) {
			return "", "a port is not supported"
		}
		from = "https://" + found[1] + pathname(found[2])
	} else if !strings.HasPrefix(s, "/") {
		return "", "a path begins with a slash or https://"
	} else {
		from = pathname(s)
	}
	switch splats := strings.Count(from, "*"); {
	case splats > 1:
		return "", "a path has at most one *"
	case splats == 1 && splatPlaceholder.MatchString(from):
		return "", "a path has either * or :splat"
	}
	return from, ""
}

var splatPlaceholder = regexp.MustCompile(`:splat(\W|$)`)

// statuses are the statuses that a redirect may have.
var statuses = []float64{200, 301, 302, 303, 307, 308}

// parseRedirects reads a _redirects file (parseRedirects.ts).
func parseRedirects(text string) lines {
	var l lines
	static, dynamic := 0, 0
	seen := map[string]int{}
	l.content(text, func(number int, s string) bool {
		words := betweenWord.Split(endComment.ReplaceAllString(s, ""), -1)
		if len(words) < 2 || len(words) > 3 {
			l.ignore(number, "it has %d words, and a redirect 2 or 3", len(words))
			return true
		}
		if hostURL.MatchString(words[0]) {
			l.ignore(number, "a redirect is from a path, not from another host")
			return true
		}
		from := pathname(words[0])
		// After a dynamic rule all rules count as dynamic.
		if dynamic == 0 && !strings.Contains(from, "*") && !placeholder.MatchString(from) {
			if static++; static > maxStaticRedirects {
				l.ignore(number, "a site has at most %d static redirects", maxStaticRedirects)
				return true
			}
		} else if dynamic++; dynamic > maxDynamicRedirects {
			l.ignore(number, "with all that follows: a site has at most %d dynamic redirects, and those below one count as such", maxDynamicRedirects)
			return false
		}
		l.redirect(line{number: number, from: from}, words, seen)
		return true
	})
	l.dropUnmatchable()
	return l
}

var indexPage = regexp.MustCompile(`/index(.html)?$`)

// redirect adds a redirect or ignores it. seen has the lines of the earlier ones, by path.
func (l *lines) redirect(rule line, words []string, seen map[string]int) {
	to := words[1]
	remote := hostURL.MatchString(to)
	status := float64(302)
	var err error
	if len(words) == 3 {
		status, err = strconv.ParseFloat(words[2], 64)
	}
	isPath := strings.HasPrefix(to, "/")
	if path, rest := cutPath(to); isPath {
		to = pathname(path) + strings.TrimRight(rest, "?#") // an empty search or hash does not count
	}
	switch {
	case !remote && !isPath:
		l.ignore(rule.number, "a redirect leads to a path or to https://")
	case err != nil || !slices.Contains(statuses, status):
		l.ignore(rule.number, "the status is 200, 301, 302, 303, 307 or 308")
	case !remote && (strings.HasSuffix(rule.from, "/*") || strings.HasSuffix(rule.from, "/")) && indexPage.MatchString(to):
		l.ignore(rule.number, "it leads back to itself, since Pages serves an index page without its name")
	case seen[rule.from] > 0:
		l.ignore(rule.number, "line %d is for the same path", seen[rule.from])
	case status == 200 && remote:
		seen[rule.from] = rule.number
		l.ignore(rule.number, "with status 200 it leads to a path of the site, not to another host")
	default:
		seen[rule.from] = rule.number
		l.rules = append(l.rules, rule)
	}
}

// placeholder matches a placeholder and captures its name.
var placeholder = regexp.MustCompile(`:([A-Za-z]\w*)`)

// dropUnmatchable ignores rules that the parsers accept but the asset server drops, since two
// parts of the path would have the same name.
// https://github.com/cloudflare/workers-sdk/blob/f8308360/packages/workers-shared/asset-worker/src/utils/rules-engine.ts (generateRuleRegExp)
func (l *lines) dropUnmatchable() {
	l.rules = slices.DeleteFunc(l.rules, func(r line) bool {
		why := unmatchable(r.from)
		if why != "" {
			l.ignore(r.number, "%s", why)
		}
		return why != ""
	})
}

// unmatchable says why no request can match a path, or returns "".
func unmatchable(from string) string {
	var names []string
	for range strings.Count(from, "*") {
		names = append(names, "splat")
	}
	splats := len(names)
	if splats > 1 {
		return "a path has at most one *"
	}
	for _, found := range placeholder.FindAllStringSubmatch(from, -1) {
		names = append(names, found[1])
	}
	for i, name := range names {
		for _, other := range names[:i] {
			// A placeholder is replaced wherever its text occurs, even in a longer one.
			if other == name || strings.HasPrefix(name, other) && !(splats > 0 && other == "splat") {
				return fmt.Sprintf("the placeholder :%s stands in it twice", other)
			}
		}
	}
	return ""
}

// cutPath cuts a URL's search and hash off its path.
func cutPath(url string) (path, rest string) {
	if i := strings.IndexAny(url, "?#"); i >= 0 {
		return url[:i], url[i:]
	}
	return url, ""
}

// pathname returns the path of a URL without a host, as new URL does in JavaScript.
// https://url.spec.whatwg.org/#path-state
func pathname(url string) string {
	url, _ = cutPath(strings.TrimRightFunc(url, func(r rune) bool { return r <= ' ' }))
	url = strings.NewReplacer("\t", "", "\r", "").Replace(url)
	parts := strings.Split(strings.TrimPrefix(url, "/"), "/")
	var kept []string
	for i, part := range parts {
		dots := strings.ReplaceAll(strings.ToLower(part), "%2e", ".")
		if dots == ".." && len(kept) > 0 {
			kept = kept[:len(kept)-1]
		}
		if dots != "." && dots != ".." {
			kept = append(kept, escape(part))
		} else if i == len(parts)-1 {
			kept = append(kept, "")
		}
	}
	return "/" + strings.Join(kept, "/")
}

// escape percent-encodes the characters that a path may not have.
// https://url.spec.whatwg.org/#path-percent-encode-set
func escape(part string) string {
	var b strings.Builder
	for _, c := range []byte(part) {
		if c <= ' ' || c > '~' || strings.IndexByte("\"#<>?`{}", c) >= 0 {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}
