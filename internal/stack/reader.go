package stack

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/config"

	"portfolio-infra/internal/environment/mark"
)

// reader reads config values and collects what is wrong with them, so that an error has
// all problems at once. It has no defaults: the engine fills in those of Pulumi.yaml.
type reader struct {
	ctx      *pulumi.Context
	program  Program
	problems []string
	asked    map[string]bool // the keys that were read, with their namespaces
	kept     map[string]bool // the keys whose secret values stay secret in the state
	made     map[string]bool // the keys of names that have their default
}

func newReader(ctx *pulumi.Context, p Program) *reader {
	return &reader{ctx: ctx, program: p, asked: map[string]bool{}, kept: map[string]bool{}, made: map[string]bool{}}
}

// problem notes what is wrong with the value of key.
func (r *reader) problem(key, format string, args ...any) {
	r.problems = append(r.problems, r.full(key)+": "+fmt.Sprintf(format, args...))
}

// without notes that a key is set that means nothing without another one.
func (r *reader) without(key, other string) {
	r.problem(key, "set without the config key %s: set both, or run `pulumi config rm %s`", other, key)
}

// full adds the project's namespace to a key without one.
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
		return fmt.Errorf("the configuration has a problem, and nothing was changed: %s", r.problems[0])
	default:
		return fmt.Errorf("the configuration has %d problems, and nothing was changed:\n  %s", n, strings.Join(r.problems, "\n  "))
	}
}

// yamlPattern matches what YAML and Pulumi make of a long number and of a date that are not
// in quotes.
var yamlPattern = regexp.MustCompile(`^-?[0-9.]+e[+-][0-9]+$|^[0-9-]{10} [0-9:.]+ [+-][0-9]{4} `)

func (r *reader) check(key, value string, c check) {
	err := c(value)
	switch {
	case err == nil:
	case yamlPattern.MatchString(value):
		r.problem(key, "%v; YAML read a number or a date: `pulumi config set %s` asks for the value and keeps it as a text", err, key)
	default:
		r.problem(key, "%v", err)
	}
}

func (r *reader) text(key string) string {
	r.asked[r.full(key)] = true
	return config.Get(r.ctx, key)
}

func (r *reader) checked(key string, c check) string {
	v := r.text(key)
	r.check(key, v, c)
	return v
}

// name returns the value of key, or else its default, which is made of other names.
func (r *reader) name(key, made string, c check) string {
	if r.text(key) != "" {
		return r.checked(key, c)
	}
	r.made[key] = true
	if err := c(made); err != nil {
		advice := "set this key"
		if _, ok := mark.Number(r.ctx.Stack()); ok && notInEnvironments[key] != "" {
			advice = "shorten the project's name in Pulumi.yaml"
		}
		r.problem(key, "the default name is not valid: %v; %s", err, advice)
	}
	return made
}

func (r *reader) boolean(key string) bool {
	v := r.text(key)
	b, err := strconv.ParseBool(v)
	if err != nil {
		r.problem(key, "%q must be true or false", v)
	}
	return b
}

func (r *reader) integer(key string, low, high int) int {
	v := r.text(key)
	n, err := strconv.Atoi(v)
	if err != nil || n < low || n > high {
		r.problem(key, "%q must be a whole number from %d to %d", v, low, high)
	}
	return n
}

// object decodes the JSON value of key. The decoder's error is not shown, since it may
// quote a secret.
func object[T any](r *reader, key, want string) T {
	var v, none T
	d := json.NewDecoder(strings.NewReader(r.text(key)))
	d.DisallowUnknownFields()
	err := d.Decode(&v)
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &wrong) && wrong.Field != "" && wrong.Type.Kind() == reflect.String:
		r.problem(key, "the value must be %s; %s is a %s: set it once more with --type string", want, wrong.Field, wrong.Value)
	case err != nil || d.Decode(new(any)) != io.EOF:
		r.problem(key, "the value must be %s", want)
	default:
		return v
	}
	return none
}

// texts returns an object of texts, whose names it checks. An error shows no secret ones.
func (r *reader) texts(key string, c check, secret bool) map[string]string {
	r.kept[key] = true
	all := map[string]string{}
	members := object[map[string]text](r, key, "an object of texts, NAME: value")
	for _, name := range slices.Sorted(maps.Keys(members)) {
		v := members[name]
		all[name] = v.value
		if err := c(name); err != nil {
			r.problem(key, "%v", err)
		} else if v.altered && secret {
			r.problem(key, "%s is "+alteredNumber+": `pulumi config set --secret --path %s.%s`", name, key, name)
		} else if v.altered {
			r.problem(key, "%s is "+alteredNumber+": `pulumi config set --type string --path %s.%s -- %s`", name, key, name, v.value)
		}
	}
	return all
}

const alteredNumber = "a number, which keeps neither a zero at the end of a fraction nor more than 15 digits for sure; set what was meant as a text"

// text is a JSON string. `pulumi config set --path` stores what looks like a boolean or
// an integer as one, which counts as the text that was written.
type text struct {
	value string
	// altered reports whether it is a number whose text may have been another one: Pulumi
	// and YAML have 64 bits for it.
	// https://github.com/pulumi/pulumi/blob/v3.256.0/sdk/go/common/resource/config/object.go, unmarshalObject
	altered bool
}

// maxExact is the largest number up to which a float64 has every integer.
const maxExact = 1 << 53

func (t *text) UnmarshalJSON(b []byte) error {
	switch b[0] {
	case '"':
		return json.Unmarshal(b, &t.value)
	case '{', '[', 'n':
		return errors.New("not a text")
	case 't', 'f':
	default:
		n, err := strconv.ParseInt(string(b), 10, 64)
		t.altered = err != nil || n < -maxExact || n > maxExact
	}
	t.value = string(b)
	return nil
}
