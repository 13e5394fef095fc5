package stack

import (
	"net"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Whatever the parts are, a standard parser returns them, and the URL has only ASCII
// characters that no client and no shell's quotes change.
func TestDatabaseURL(t *testing.T) {
	for _, test := range []struct {
		user, password, host string
		port                 int
		database             string
		name, value          string
	}{
		{"3pT.api", "plain", "gw.example.com", 4000, "portfolio", "sslaccept", "strict"},
		{"u", "a:b@c/d?e#f%g h+i", "::1", 3306, "my db", "a&b", "="},
		{"", "", "127.0.0.1", 0, "..", "", ""},
		{"\xff", "\x00\n", "fe80::1", 65535, "a/../b", "ü", "'\"\\"},
		{":/?#[]@", "!$&'()*+,;=", "2001:db8::1", 4000, "a/b", "&", "=%"},
	} {
		text := databaseURL(test.user, test.password, test.host, test.port, test.database, map[string]string{test.name: test.value})
		if strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("\"'`\\$<>", r) }) {
			t.Errorf("not plain: %s", text)
		}
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		want := &url.URL{Scheme: "mysql", User: url.UserPassword(test.user, test.password), Host: net.JoinHostPort(test.host, strconv.Itoa(test.port)), Path: "/" + test.database}
		options := u.Query()
		u.RawQuery, u.RawPath = "", ""
		if diff := cmp.Diff(want, u, cmp.AllowUnexported(url.Userinfo{})); diff != "" || len(options) != 1 || options.Get(test.name) != test.value {
			t.Errorf("%s is read as %v %s", text, options, diff)
		}
		none := databaseURL(test.user, test.password, test.host, test.port, test.database, nil)
		if !strings.HasPrefix(text, none+"?") || strings.Contains(none, "?") {
			t.Errorf("without options it is %s, with one %s", none, text)
		}
	}
}
