package stack

import (
	"net/url"
	"testing"

	"pgregory.net/rapid"
)

func TestDatabaseURL(t *testing.T) {
	for _, test := range []struct {
		user, password, host string
		port                 int
		database             string
		options              map[string]string
		want                 string
	}{
		{"3pT.api", "plain", "gw.example.com", 4000, "portfolio", nil, "mysql://3pT.api:plain@gw.example.com:4000/portfolio"},
		{"3pT.api", "plain", "gw.example.com", 4000, "portfolio", map[string]string{"sslaccept": "strict", "connect_timeout": "5"},
			"mysql://3pT.api:plain@gw.example.com:4000/portfolio?connect_timeout=5&sslaccept=strict"},
		{"u", "a:b@c/d?e#f%g h+i", "::1", 3306, "my db", nil, "mysql://u:a%3Ab%40c%2Fd%3Fe%23f%25g%20h%2Bi@[::1]:3306/my%20db"},
	} {
		if have := databaseURL(test.user, test.password, test.host, test.port, test.database, test.options); have != test.want {
			t.Errorf("%s, want %s", have, test.want)
		}
	}
}

// Whatever the parts are, a standard parser gives them back.
func TestDatabaseURL_roundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		user, password := rapid.String().Draw(t, "user"), rapid.String().Draw(t, "password")
		database := rapid.StringN(1, 64, -1).Draw(t, "database")
		host := rapid.SampledFrom([]string{"gw.example.com", "127.0.0.1", "::1", "2001:db8::1"}).Draw(t, "host")
		name, value := rapid.String().Draw(t, "name"), rapid.String().Draw(t, "value")
		u, err := url.Parse(databaseURL(user, password, host, 4000, database, map[string]string{name: value}))
		if err != nil {
			t.Fatal(err)
		}
		if have, _ := u.User.Password(); u.User.Username() != user || have != password {
			t.Errorf("user %q, password %q, want %q, %q", u.User.Username(), have, user, password)
		}
		if u.Scheme != "mysql" || u.Hostname() != host || u.Port() != "4000" || u.Path != "/"+database {
			t.Errorf("%s", u)
		}
		if have := u.Query(); len(have) != 1 || have.Get(name) != value {
			t.Errorf("options %v, want %q=%q", have, name, value)
		}
	})
}
