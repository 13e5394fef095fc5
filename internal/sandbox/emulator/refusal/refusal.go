// Package refusal runs files of requests that an emulator refuses.
//
// A file is a txtar archive for one kind of call. Each section is a case: what its source is,
// and requests with their answers.
//
//	-- no content --
//	# https://example.com/the-documentation
//	POST /zones/${zone}/dns_records
//	{"name":"x","type":"CNAME","ttl":1}
//	> 400 8009999 content: is required
//
// Header fields may follow the request line, and then the body. Lines that begin with @ make it
// a form: each begins a part, with its name and its type. In a part, lines that begin with @@ do
// the same. An answer is a status and, unless that is 200, a code and a part of the message. After
// 200 comes a part of the body, or ${name}=member.member, which is the value of ${name} from there
// on. ${x*9} is nine times x. Further lines with > are further parts of the message or the body.
//
// Request lines that follow one another have the same body. Requests without an answer have that
// of the next one. A section whose answers are all 200 prepares the next ones.
//
// The source may be "assumed", or "strict": what only an emulator refuses, as its package comment
// says.
package refusal

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"portfolio-infra/internal/sandbox/emulator"
)

// Cloud is an emulated cloud.
type Cloud struct {
	// Send makes a call, with credentials unless the header has others.
	Send func(t *testing.T, method, path string, header http.Header, body string) (status int, answer string)
	// Problem returns the code and the message of a refusal.
	Problem func(t *testing.T, status int, answer string) (code, message string)
	// State is what a refusal must not change.
	State func() any
	// Vars are the first values of names.
	Vars map[string]string
}

// Run runs the files, each on a Cloud of its own.
func Run(t *testing.T, pattern string, begin func(t *testing.T, file string) *Cloud) {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no files %s: %v", pattern, err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txtar")
		t.Run(name, func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			cloud := begin(t, name)
			for _, section := range archive.Files {
				source, exchanges := parse(t, section)
				prepares := true
				for _, e := range exchanges {
					prepares = prepares && e.want.status == http.StatusOK
				}
				if prepares {
					cloud.run(t, exchanges)
					continue
				}
				t.Run(section.Name, func(t *testing.T) {
					if source == "" {
						t.Error("no source: write one, or # assumed")
					}
					cloud.run(t, exchanges)
				})
			}
		})
	}
}

// exchange is a request and its answer.
type exchange struct {
	method, path string
	request      *request
	want         *want
}

type request struct {
	header http.Header
	body   []string
}

func (r *request) empty() bool { return len(r.header)+len(r.body) == 0 }

// want is what an answer must have.
type want struct {
	status int
	code   string
	parts  []string
}

var (
	requestLine = regexp.MustCompile(`^([A-Z]+) ((?:/|\$\{)\S*)$`)
	headerLine  = regexp.MustCompile(`^([A-Z][A-Za-z-]+): (.*)$`)
)

// parse reads a section. Requests may share a body, and what their answers have.
func parse(t *testing.T, section txtar.File) (source string, all []*exchange) {
	t.Helper()
	for text := range strings.Lines(string(section.Data)) {
		line := strings.TrimSuffix(text, "\n")
		e := &exchange{}
		if len(all) > 0 {
			e = all[len(all)-1]
		}
		answer, isAnswer := strings.CutPrefix(line, "> ")
		switch begins := requestLine.FindStringSubmatch(line); {
		case begins != nil:
			next := &exchange{method: begins[1], path: begins[2], request: &request{header: http.Header{}}, want: &want{}}
			if len(all) > 0 && e.want.status == 0 {
				next.want = e.want
				if e.request.empty() {
					next.request = e.request
				}
			}
			all = append(all, next)
		case len(all) == 0 && strings.HasPrefix(line, "# "):
			source += line
		case line == "" && (len(all) == 0 || e.want.status != 0):
		case len(all) == 0 || !isAnswer && e.want.status != 0:
			t.Fatalf("%s: %q is part of no request", section.Name, line)
		case isAnswer && e.want.status == 0:
			status, text, _ := strings.Cut(answer, " ")
			e.want.status, _ = strconv.Atoi(status)
			if e.want.status != http.StatusOK {
				e.want.code, text, _ = strings.Cut(text, " ")
			}
			e.want.parts = []string{text}
		case isAnswer:
			e.want.parts = append(e.want.parts, answer)
		case len(e.request.body) == 0 && headerLine.MatchString(line):
			field := headerLine.FindStringSubmatch(line)
			e.request.header.Set(field[1], field[2])
		default:
			e.request.body = append(e.request.body, line)
		}
	}
	if len(all) == 0 {
		t.Fatalf("%s has no request", section.Name)
	}
	return source, all
}

func (c *Cloud) run(t *testing.T, exchanges []*exchange) {
	t.Helper()
	for _, e := range exchanges {
		header := http.Header{}
		for name := range e.request.header {
			header.Set(name, c.expand(e.request.header.Get(name)))
		}
		body := c.expand(strings.Join(e.request.body, "\n"))
		if strings.HasPrefix(body, "@") {
			form, contentType := c.form(e.request.body, "@")
			body = form
			header.Set("Content-Type", contentType)
		}
		path := c.expand(e.path)
		before := c.State()
		status, answer := c.Send(t, e.method, path, header, body)
		failed := func(what string) {
			t.Helper()
			t.Errorf("%s %s: %s: %d %s", e.method, path, what, status, answer)
		}
		if status != e.want.status {
			failed(fmt.Sprintf("the status is not %d", e.want.status))
			continue
		}
		text := answer
		if status != http.StatusOK {
			var code string
			if code, text = c.Problem(t, status, answer); code != e.want.code {
				failed(fmt.Sprintf("the code is %s, not %s", code, e.want.code))
			}
			if diff := cmp.Diff(before, c.State()); diff != "" {
				failed("it changed something (-before +after):\n" + diff)
			}
		}
		for _, part := range e.want.parts {
			if name, member, ok := strings.Cut(part, "}="); ok && status == http.StatusOK {
				c.Vars[strings.TrimPrefix(name, "${")] = dig(t, answer, member)
			} else if part = c.expand(part); !strings.Contains(text, part) {
				failed(fmt.Sprintf("no %q", part))
			}
		}
	}
}

// form encodes the lines of a form, whose parts begin with a mark.
func (c *Cloud) form(lines []string, mark string) (body, contentType string) {
	var parts []emulator.Part
	var contents [][]string
	for _, line := range lines {
		if head, ok := strings.CutPrefix(line, mark); ok && !strings.HasPrefix(head, "@") {
			name, kind, _ := strings.Cut(head, " ")
			parts, contents = append(parts, emulator.Part{Name: name, Type: kind}), append(contents, nil)
		} else {
			contents[len(contents)-1] = append(contents[len(contents)-1], line)
		}
	}
	for i, content := range contents {
		text := c.expand(strings.Join(content, "\n"))
		if strings.HasPrefix(text, mark+"@") {
			text, _ = c.form(content, mark+"@")
		}
		parts[i].Content = []byte(text)
	}
	encoded, contentType := emulator.Form(parts...)
	return string(encoded), contentType
}

var variable = regexp.MustCompile(`\$\{([^}*]+)(\*\d+)?\}`)

// expand replaces the names in a text.
func (c *Cloud) expand(text string) string {
	return variable.ReplaceAllStringFunc(text, func(found string) string {
		m := variable.FindStringSubmatch(found)
		if m[2] != "" {
			n, _ := strconv.Atoi(m[2][1:])
			return strings.Repeat(m[1], n)
		}
		if value, ok := c.Vars[m[1]]; ok {
			return value
		}
		return found
	})
}

// dig returns a member of an answer.
func dig(t *testing.T, answer, member string) string {
	t.Helper()
	var value any
	if err := json.Unmarshal([]byte(answer), &value); err != nil {
		t.Fatal(err)
	}
	for _, key := range strings.Split(member, ".") {
		object, _ := value.(map[string]any)
		value = object[key]
	}
	text, ok := value.(string)
	if !ok {
		t.Fatalf("%s is %v in %s", member, value, answer)
	}
	return text
}
