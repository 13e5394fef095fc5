package binding

import (
	"maps"
	"slices"

	"portfolio-infra/internal/cloudflare"
)

// target says what the environments of a project shall hold, by environment and
// name. A nil service shall be gone; a name that is not in it is nobody's
// business here.
type target map[string]map[string]*Service

func targetOf(w Wanted) target {
	t := target{}
	for _, env := range cloudflare.Environments {
		for name, s := range w.In(env) {
			t.set(env, name, &s)
		}
	}
	return t
}

func (t target) set(env, name string, s *Service) {
	if t[env] == nil {
		t[env] = map[string]*Service{}
	}
	t[env][name] = s
}

// drop adds the removal of those bindings that the project still holds as they
// were set. What somebody changed since is theirs and stays, and what the target
// names already is not dropped.
func (t target) drop(p cloudflare.Project, were Wanted) {
	for _, env := range cloudflare.Environments {
		for name, was := range were.In(env) {
			_, wanted := t[env][name]
			if !wanted && same(p.DeploymentConfigs[env].Services[name], &was) {
				t.set(env, name, nil)
			}
		}
	}
}

// change is what it takes to make a project hold a target.
type change struct {
	patch map[string]map[string]*Service
	// found is what stands in place of what shall, by environment and name.
	found map[string]map[string]*Service
	// set and removed name the bindings, as environment.NAME, in order.
	set, removed []string
}

func (c change) none() bool { return len(c.patch) == 0 }

// names lists all that would be written.
func (c change) names() []string { return slices.Concat(c.set, c.removed) }

// from compares the project with the target.
func (t target) from(p cloudflare.Project) change {
	c := change{patch: map[string]map[string]*Service{}, found: map[string]map[string]*Service{}}
	for _, env := range cloudflare.Environments {
		config := p.DeploymentConfigs[env]
		for _, name := range slices.Sorted(maps.Keys(t[env])) {
			want, have := t[env][name], config.Services[name]
			if same(want, have) {
				continue
			}
			if c.patch[env] == nil {
				c.patch[env], c.found[env] = map[string]*Service{}, map[string]*Service{}
			}
			c.patch[env][name] = want
			c.found[env][name] = have
			if want == nil {
				c.removed = append(c.removed, env+"."+name)
			} else {
				c.set = append(c.set, env+"."+name)
			}
		}
	}
	return c
}

// Drift names the bindings, as environment.NAME, that a project does not hold as
// wanted.
func Drift(p cloudflare.Project, wanted Wanted) []string {
	return targetOf(wanted).from(p).set
}

func same(a, b *Service) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}
