package rest

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
)

// Path replaces each %s of format by an escaped segment. So a slash, a percent sign or a
// question mark in a name stays a part of the name:
//
//	rest.Path("/clusters/%s/sqlUsers/%s", id, name)
//
// Escaping cannot make an empty segment, "." or ".." safe, since proxies and servers resolve
// them first. [Client.Do] refuses such a path: an empty ID would turn the deletion of one thing
// into a call on the list.
func Path(format string, segments ...string) string {
	escaped := make([]any, len(segments))
	for i, s := range segments {
		escaped[i] = url.PathEscape(s)
	}
	return fmt.Sprintf(format, escaped...)
}

// checkPath refuses the segments that [Path] cannot make safe.
func checkPath(path string) error {
	path, _, _ = strings.Cut(path, "?")
	segments, ok := strings.CutPrefix(path, "/")
	if !ok {
		return fmt.Errorf("path %q does not begin with a slash", path)
	}
	for segment := range strings.SplitSeq(segments, "/") {
		name, err := url.PathUnescape(segment)
		if err != nil {
			return fmt.Errorf("path %q: %w", path, err)
		}
		if name == "" || name == "." || name == ".." {
			return fmt.Errorf("path %q has the segment %q, which names nothing", path, name)
		}
	}
	return nil
}

// CheckBaseURL returns an error unless credentials may be sent to base: it must be an https URL,
// or an http URL of a loopback host (a test, an emulator), without user, query and fragment.
// The error never shows a password.
func CheckBaseURL(base string) error {
	u, err := url.Parse(base)
	if err != nil {
		// The error of url.Parse quotes the URL.
		return errors.New("not a URL")
	}
	switch {
	case u.Hostname() == "":
		return fmt.Errorf("%q names no host; write it like https://api.example.com/v1", redacted(u))
	case u.User != nil:
		return fmt.Errorf("%q must have no user or password", redacted(u))
	case strings.ContainsAny(base, "?#"):
		return fmt.Errorf("%q must end with its path", redacted(u))
	case u.Scheme == "https":
		return nil
	case u.Scheme == "http" && loopback(u.Hostname()):
		return nil
	}
	return fmt.Errorf("%q must begin with https:// (http:// only for a loopback address): keys are sent there", redacted(u))
}

func loopback(host string) bool {
	return strings.EqualFold(host, "localhost") || net.ParseIP(host).IsLoopback()
}

// redacted returns the URL for errors, without user, query and fragment. With too few or too
// many slashes the user is a part of something else, so nothing before an @ is shown.
func redacted(u *url.URL) string {
	shown := *u
	shown.User, shown.RawQuery, shown.ForceQuery, shown.Fragment = nil, "", false, ""
	text := shown.String()
	return oneLine(text[strings.LastIndex(text, "@")+1:], maxID)
}
