package stack

import (
	"maps"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// databaseURL composes a connection string as Prisma, mysql2, @tidbcloud/serverless
// and most other clients take it: mysql://USER:PASSWORD@HOST:PORT/DATABASE?OPTIONS.
// What could mean something in a URL is percent-encoded (RFC 3986, section 2.1), and
// an IPv6 address is put into brackets.
func databaseURL(user, password, host string, port int, database string, options map[string]string) string {
	var b strings.Builder
	b.WriteString("mysql://" + escape(user) + ":" + escape(password) + "@")
	b.WriteString(net.JoinHostPort(host, strconv.Itoa(port)) + "/" + escape(database))
	separator := "?"
	for _, name := range slices.Sorted(maps.Keys(options)) {
		b.WriteString(separator + escape(name) + "=" + escape(options[name]))
		separator = "&"
	}
	return b.String()
}

// escape leaves only unreserved characters as they are. What is meant for one part
// of a URL leaves more, and clients differ in what they make of those.
func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
