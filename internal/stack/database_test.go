package stack

import (
	"net/url"
	"strconv"
	"strings"
	"testing"
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
		none := databaseURL(test.user, test.password, test.host, test.port, test.database, nil)
		if !strings.HasPrefix(text, none+"?") || strings.Contains(none, "?") {
			t.Errorf("without options it is %s, with one %s", none, text)
		}
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		password, _ := u.User.Password()
		if u.Scheme != "mysql" || u.User.Username() != test.user || password != test.password ||
			u.Hostname() != test.host || u.Port() != strconv.Itoa(test.port) || u.Path != "/"+test.database {
			t.Errorf("%s is read as %#v", text, u)
		}
		if q := u.Query(); len(q) != 1 || q.Get(test.name) != test.value {
			t.Errorf("options %v, want %q=%q", q, test.name, test.value)
		}
	}
}
