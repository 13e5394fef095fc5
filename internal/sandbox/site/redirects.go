package site

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// redirects are the rules of _redirects.
type redirects struct {
	static  map[string]redirect
	dynamic []redirect
}

type redirect struct {
	rule
	to     string
	status int
}

var (
	redirectComment = regexp.MustCompile(`\s+#.*$`)
	indexPage       = regexp.MustCompile(`/index(.html)?$`)
)

// parseRedirects reads _redirects. Cloudflare ignores what is wrong in it. A static rule
// below a dynamic one counts as dynamic.
// https://github.com/cloudflare/workers-sdk/blob/main/packages/workers-shared/utils/configuration/parseRedirects.ts
func parseRedirects(text []byte) redirects {
	all := redirects{static: map[string]redirect{}}
	seen := map[string]bool{}
	statics, dynamics := 0, 0
	for _, line := range ruleLines(text) {
		from, to, status, ok := splitRedirect(line)
		if !ok {
			continue
		}
		static := dynamics == 0 && !isDynamic(from)
		if static {
			statics++
		} else {
			dynamics++
		}
		if dynamics > maxDynamicRedirects {
			break
		}
		if static && statics > maxStaticRedirects || seen[from] || !validRedirect(from, to, status) {
			continue
		}
		seen[from] = true
		to, _ = ruleTarget(to, true, true)
		r := redirect{to: to, status: status}
		if static {
			all.static[from] = r
		} else if r.rule, ok = compileRule(from); ok {
			all.dynamic = append(all.dynamic, r)
		}
	}
	return all
}

// splitRedirect splits a line and normalizes the path to redirect from.
func splitRedirect(line string) (from, to string, status int, ok bool) {
	words := strings.Fields(redirectComment.ReplaceAllString(line, ""))
	if len(words) < 2 || len(words) > 3 {
		return "", "", 0, false
	}
	status = 302
	if len(words) == 3 {
		status, _ = strconv.Atoi(words[2])
	}
	from = words[0]
	if ruleURL.MatchString(from) {
		return "", "", 0, false
	}
	if !strings.HasPrefix(from, "/") {
		from = "/" + from
	}
	from, ok = ruleTarget(from, false, false)
	return from, words[1], status, ok
}

// validRedirect refuses what would lead to itself, and proxies of other hosts.
func validRedirect(from, to string, status int) bool {
	to, ok := ruleTarget(to, true, true)
	if !ok || !slices.Contains([]int{200, 301, 302, 303, 307, 308}, status) {
		return false
	}
	if ruleURL.MatchString(to) {
		return status != 200
	}
	return !indexPage.MatchString(to) || !strings.HasSuffix(from, "/*") && !strings.HasSuffix(from, "/")
}

// find returns the redirect of a path.
func (all redirects) find(hostname, pathname string) (redirect, bool) {
	if r, ok := all.static[pathname]; ok {
		return r, true
	}
	for _, r := range all.dynamic {
		if fill, ok := r.match(hostname, pathname); ok {
			r.to = fill(r.to)
			return r, true
		}
	}
	return redirect{}, false
}
