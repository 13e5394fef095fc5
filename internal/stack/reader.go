package stack

import (
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/config"
)

// reader reads config values and collects what is wrong with them, so that a
// person sees all mistakes at once. It knows no defaults: the engine fills in those of
// Pulumi.yaml before the program runs.
type reader struct {
	ctx      *pulumi.Context
	program  Program
	project  *config.Config
	problems []string
}

func newReader(ctx *pulumi.Context, program Program) *reader {
	return &reader{ctx: ctx, program: program, project: config.New(ctx, "")}
}

// problem notes a mistake. A key without a namespace is the project's own.
func (r *reader) problem(key, format string, args ...any) {
	r.problems = append(r.problems, r.full(key)+": "+fmt.Sprintf(format, args...))
}

func (r *reader) full(key string) string {
	if strings.Contains(key, ":") {
		return key
	}
	return r.ctx.Project() + ":" + key
}

func (r *reader) err() error {
	switch n := len(r.problems); n {
	case 0:
		return nil
	case 1:
		return fmt.Errorf("the configuration has a mistake, and nothing was changed: %s", r.problems[0])
	default:
		return fmt.Errorf("the configuration has %d mistakes, and nothing was changed:\n  %s", n, strings.Join(r.problems, "\n  "))
	}
}

func (r *reader) text(key string) string { return r.project.Get(key) }

// secret tells whether the value of key is encrypted in the stack's file.
func (r *reader) secret(key string) bool { return r.ctx.IsConfigSecret(r.full(key)) }

// match returns the value of key.
func (r *reader) match(key string, pattern *regexp.Regexp, want string) string {
	v := r.text(key)
	if !pattern.MatchString(v) {
		r.problem(key, "%q is not %s", v, want)
	}
	return v
}

// optional returns the value of key, which may be empty.
func (r *reader) optional(key string, pattern *regexp.Regexp, want string) string {
	if r.text(key) == "" {
		return ""
	}
	return r.match(key, pattern, want)
}

// name returns the value of key, or else a name made of the project's and the
// stack's.
func (r *reader) name(key, suffix string, valid func(string) bool, want string) string {
	if v := r.text(key); v != "" {
		if !valid(v) {
			r.problem(key, "%q is not a valid name: it takes %s", v, want)
		}
		return v
	}
	v := slug(r.ctx.Project()+"-"+r.ctx.Stack()) + suffix
	if !valid(v) {
		r.problem(key, "the name %q, made of project and stack, is not valid: set this key to %s", v, want)
	}
	return v
}

var notInSlug = regexp.MustCompile(`[^a-z0-9]+`)

// slug turns every run of characters that the names of projects and stacks may
// have, but host names not, into a dash.
func slug(s string) string {
	return strings.Trim(notInSlug.ReplaceAllString(strings.ToLower(s), "-"), "-")
}

func (r *reader) boolean(key string) bool {
	v := r.text(key)
	b, err := strconv.ParseBool(v)
	if err != nil {
		r.problem(key, "%q is neither true nor false", v)
	}
	return b
}

func (r *reader) integer(key string, low, high int) int {
	v := r.text(key)
	n, err := strconv.Atoi(v)
	if err != nil || n < low || n > high {
		r.problem(key, "%q is not a whole number from %d to %d", v, low, high)
	}
	return n
}

func (r *reader) pastDate(key string) string {
	v := r.text(key)
	day, err := time.Parse(time.DateOnly, v)
	switch {
	case err != nil:
		r.problem(key, "%q is not a date in the form YYYY-MM-DD", v)
	case day.After(time.Now()):
		r.problem(key, "%s is in the future: Workers takes no date after today", v)
	}
	return v
}

// object decodes the JSON value of key. What the decoder says is not shown, since it
// may quote a secret.
func object[T any](r *reader, key, want string) T {
	var v, none T
	d := json.NewDecoder(strings.NewReader(r.text(key)))
	d.DisallowUnknownFields()
	if d.Decode(&v) != nil || d.Decode(new(any)) != io.EOF {
		r.problem(key, "the value is not %s", want)
		return none
	}
	return v
}

// texts is an object of texts. `pulumi config set --path` stores what looks like a
// boolean or a whole number as one, which counts as the text that was written.
type texts map[string]string

func (t *texts) UnmarshalJSON(b []byte) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(b, &members); err != nil {
		return err
	}
	all := make(texts, len(members))
	for name, member := range members {
		switch member[0] {
		case '"':
			var text string
			if err := json.Unmarshal(member, &text); err != nil {
				return err
			}
			all[name] = text
		case '{', '[', 'n':
			return fmt.Errorf("%s is no text", name)
		default:
			all[name] = string(member)
		}
	}
	*t = all
	return nil
}
