package pages

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"portfolio-infra/internal/cloudflare"
)

// What needs no escape in a URL's path or as a JavaScript identifier.
var (
	fuzzAccount = regexp.MustCompile(`\A[0-9a-f]{32}\z`)
	fuzzName    = regexp.MustCompile(`\A[A-Za-z0-9_$-]{1,128}\z`)
)

// An accepted request has nothing that needs an escape anywhere, and survives a round trip.
func FuzzReadBindRequest(f *testing.F) {
	good := bindRequest(`"createdOn":"2026-01-02T03:04:05Z","bindings":{"A":{"service":"api","environment":"production","entrypoint":"One"}}`)
	for _, seed := range []string{
		good, "", "null", "{}", "[]", good + " ", good + "{}", good[:len(good)-1], strings.Replace(good, "site", "a/b", 1),
		strings.Replace(good, "site", "site\\n", 1), strings.Replace(good, `"One"`, "null", 1), strings.Replace(good, `"A":`, `"A":null,"B":`, 1),
		strings.Replace(good, "accountId", "ACCOUNTID", 1), strings.Replace(good, "api", "\xff", 1),
		strings.Replace(good, `"project"`, `"project":"../x","project"`, 1), strings.Repeat("[", 1000),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := readRequest[BindRequest](bytes.NewReader(b))
		if err != nil {
			if !utf8.ValidString(err.Error()) || strings.ContainsAny(err.Error(), "\x00\x1b\r") {
				t.Errorf("the error is no text: %q", err)
			}
			return
		}
		if !json.Valid(b) {
			t.Errorf("%q is accepted", b)
		}
		if !fuzzAccount.MatchString(r.AccountID) || !fuzzName.MatchString(r.Project) || len(r.Bindings) == 0 {
			t.Errorf("accepted: %+v", r)
		}
		for name, s := range r.Bindings {
			if !fuzzName.MatchString(name) || !fuzzName.MatchString(s.Service) || !fuzzName.MatchString(s.Environment) ||
				s.Entrypoint != "" && !fuzzName.MatchString(s.Entrypoint) {
				t.Errorf("accepted: %q: %+v", name, s)
			}
		}
		again, err := readRequest[BindRequest](strings.NewReader(jsonOf(t, r)))
		if err != nil || !reflect.DeepEqual(again, r) {
			t.Errorf("%+v becomes %+v, %v", r, again, err)
		}
	})
}

// drawServices draws bindings of a few names, so that they often coincide.
func drawServices(t *rapid.T, label string) map[string]Service {
	return rapid.MapOfN(
		rapid.SampledFrom([]string{"A", "B", "C", "D"}),
		rapid.Custom(func(t *rapid.T) Service {
			return Service{
				Service:     rapid.SampledFrom([]string{"api", "auth"}).Draw(t, "service"),
				Environment: rapid.SampledFrom([]string{"production", "staging"}).Draw(t, "environment"),
				Entrypoint:  rapid.SampledFrom([]string{"", "One"}).Draw(t, "entrypoint"),
			}
		}), 0, 4).Draw(t, label)
}

// drawWanted draws bindings that may differ in previews.
func drawWanted(t *rapid.T, label string) Wanted {
	w := Wanted{Bindings: drawServices(t, label)}
	if rapid.Bool().Draw(t, label+" differs") {
		w.Preview = drawServices(t, label+" in previews")
	}
	return w
}

// drawProject draws a project: environments may be missing, and the API may show a
// binding that is gone as null.
func drawProject(t *rapid.T) cloudflare.Project {
	p := cloudflare.Project{DeploymentConfigs: map[string]cloudflare.DeploymentConfig{}}
	for _, env := range cloudflare.Environments {
		if rapid.Bool().Draw(t, env+" is missing") {
			continue
		}
		config := cloudflare.DeploymentConfig{Services: map[string]*Service{}}
		for name, s := range drawServices(t, env) {
			config.Services[name] = &s
		}
		if rapid.Bool().Draw(t, "null") {
			config.Services["D"] = nil
		}
		p.DeploymentConfigs[env] = config
	}
	return p
}

// patched returns the project after a patch.
func patched(p cloudflare.Project, patch map[string]map[string]*Service) cloudflare.Project {
	after := cloudflare.Project{DeploymentConfigs: maps.Clone(p.DeploymentConfigs)}
	for env, change := range patch {
		config := after.DeploymentConfigs[env]
		config.Services = maps.Clone(config.Services)
		if config.Services == nil {
			config.Services = map[string]*Service{}
		}
		for name, s := range change {
			if s == nil {
				delete(config.Services, name)
			} else {
				config.Services[name] = s
			}
		}
		after.DeploymentConfigs[env] = config
	}
	return after
}

// One patch makes any project hold any target, touches nothing else, and removes only what
// is still as it was set and is not wanted.
func TestTarget_properties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawProject(t)
		wanted, earlier := drawWanted(t, "wanted"), drawWanted(t, "earlier")
		goal := targetOf(wanted)
		goal.removeUnchanged(p, earlier)
		d := goal.diff(p)
		after := patched(p, d.patch)
		if rest := goal.diff(after); !rest.empty() || len(rest.names()) > 0 {
			t.Errorf("left to do: %v", rest.names())
		}
		if drift := Drift(after, wanted); len(drift) > 0 {
			t.Errorf("not as wanted: %v", drift)
		}
		written := 0
		for _, env := range cloudflare.Environments {
			written += len(d.patch[env])
			for _, name := range []string{"A", "B", "C", "D"} {
				before, now := p.DeploymentConfigs[env].Services[name], after.DeploymentConfigs[env].Services[name]
				want, isWanted := wanted.In(env)[name]
				was, isRemoved := earlier.In(env)[name]
				switch {
				case isWanted:
					if !same(now, &want) {
						t.Errorf("%s.%s: %v, want %v", env, name, now, want)
					}
				case isRemoved && same(before, &was):
					if now != nil {
						t.Errorf("%s.%s stays: %v", env, name, now)
					}
				case !same(before, now):
					t.Errorf("%s.%s is not in the target: %v becomes %v", env, name, before, now)
				}
				if found, ok := d.found[env][name]; ok && !same(found, before) {
					t.Errorf("%s.%s: found %v, but there was %v", env, name, found, before)
				}
			}
		}
		if names := d.names(); len(names) != written || len(slices.Compact(slices.Sorted(slices.Values(names)))) != written {
			t.Errorf("%d bindings are written, and these are named: %v", written, names)
		}
	})
}
