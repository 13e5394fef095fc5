package refusal

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// Requests one after another share their body, and requests without an answer that of the next.
func TestParse(t *testing.T) {
	source, all := parse(t, txtar.File{Data: []byte(`# a source
PUT /a
PUT ${b}
Content-Type: text/plain
one
two
PUT /c
three
> 400 17 a text
> another text

GET /d
> 200
`)})
	var have strings.Builder
	for _, e := range all {
		fmt.Fprintf(&have, "%s %s %v %q: %d %s %q\n", e.method, e.path, e.request.header, e.request.body, e.want.status, e.want.code, e.want.parts)
	}
	const want = `PUT /a map[Content-Type:[text/plain]] ["one" "two"]: 400 17 ["a text" "another text"]
PUT ${b} map[Content-Type:[text/plain]] ["one" "two"]: 400 17 ["a text" "another text"]
PUT /c map[] ["three"]: 400 17 ["a text" "another text"]
GET /d map[] []: 200  [""]
`
	if source != "# a source" || have.String() != want {
		t.Errorf("%s\n%s", source, &have)
	}
}

func TestExpand(t *testing.T) {
	c := &Cloud{Vars: map[string]string{"id": "7"}}
	if have := c.expand("/${id}/${x*3}/${none}"); have != "/7/xxx/${none}" {
		t.Error(have)
	}
}
