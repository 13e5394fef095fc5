package site

import (
	"fmt"
	"slices"
	"strings"
)

// The characters that a URL's parts hold only escaped, beside control characters and
// those outside of ASCII. https://url.spec.whatwg.org/#percent-encoded-bytes
const (
	escapedInPath     = " \"#<>?`{}"
	escapedInQuery    = " \"#<>"
	escapedInFragment = " \"<>`"
)

func escape(s, set string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c <= 0x1f || c >= 0x7f || strings.IndexByte(set, c) >= 0 {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// normalize returns the path of a URL as a browser sends it: escaped, without dot segments.
// https://url.spec.whatwg.org/#path-state
func normalize(path string) string {
	segments := strings.Split(strings.TrimPrefix(escape(path, escapedInPath), "/"), "/")
	var kept []string
	for i, segment := range segments {
		last := i == len(segments)-1
		switch strings.ReplaceAll(strings.ToLower(segment), "%2e", ".") {
		case ".":
		case "..":
			kept = slices.Delete(kept, max(0, len(kept)-1), len(kept))
		default:
			kept = append(kept, segment)
			continue
		}
		if last {
			kept = append(kept, "")
		}
	}
	return "/" + strings.Join(kept, "/")
}

// reference is a relative URL, or one on another host.
type reference struct {
	origin            string // such as https://example.com, or ""
	path, query, frag string // query with ?, frag with #
}

func (r reference) String() string { return r.origin + r.path + r.query + r.frag }

// splitReference splits and normalizes what may be a path, //HOST/PATH or https://HOST/PATH.
func splitReference(s string) reference {
	var r reference
	s, frag, hasFrag := strings.Cut(s, "#")
	if hasFrag && frag != "" {
		r.frag = "#" + escape(frag, escapedInFragment)
	}
	s, query, hasQuery := strings.Cut(s, "?")
	if hasQuery && query != "" {
		r.query = "?" + escape(query, escapedInQuery)
	}
	if scheme, rest, ok := strings.Cut(s, "//"); ok && (scheme == "" || scheme == "https:") {
		host, path, _ := strings.Cut(strings.TrimLeft(rest, "/"), "/")
		r.origin, s = scheme+"//"+host, "/"+path
	}
	r.path = normalize(s)
	return r
}
