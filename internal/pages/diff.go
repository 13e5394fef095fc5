package pages

import (
	"maps"
	"slices"

	"portfolio-infra/internal/cloudflare"
)

// target is what the environments of a project should hold, by environment and name. A
// nil service should not exist; a name that is not in the target is left alone.
type target map[string]map[string]*Service

func targetOf(w Wanted) target {
	t := target{}
	for _, env := range cloudflare.Environments {
		for name, s := range w.In(env) {
			s = plain(s)
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

// removeUnchanged adds the removal of each binding of an earlier run that is no longer wanted
// and that the project holds unchanged. What somebody changed since then stays.
func (t target) removeUnchanged(p cloudflare.Project, earlier Wanted) {
	for _, env := range cloudflare.Environments {
		for name, was := range earlier.In(env) {
			_, wanted := t[env][name]
			if !wanted && same(p.DeploymentConfigs[env].Services[name], &was) {
				t.set(env, name, nil)
			}
		}
	}
}

// diff is the difference between a project and a target.
type diff struct {
	patch, found target   // what to write, and what the project holds there
	set, removed []string // the bindings to write, as environment.NAME, in order
}

func (d diff) empty() bool     { return len(d.patch) == 0 }
func (d diff) names() []string { return slices.Concat(d.set, d.removed) }

func (t target) diff(p cloudflare.Project) diff {
	d := diff{patch: target{}, found: target{}}
	for _, env := range cloudflare.Environments {
		for _, name := range slices.Sorted(maps.Keys(t[env])) {
			want, live := t[env][name], p.DeploymentConfigs[env].Services[name]
			if same(want, live) {
				continue
			}
			d.patch.set(env, name, want)
			d.found.set(env, name, live)
			if want == nil {
				d.removed = append(d.removed, env+"."+name)
			} else {
				d.set = append(d.set, env+"."+name)
			}
		}
	}
	return d
}

// addSettings adds the differences in variables and compatibility settings, and makes the
// patches of the environments.
func (d *diff) addSettings(r BindRequest, p cloudflare.Project, before earlier, patches map[string]cloudflare.ConfigPatch) {
	for _, env := range cloudflare.Environments {
		patch := cloudflare.ConfigPatch{Services: d.patch[env]}
		set, removed := r.patchSettings(p.DeploymentConfigs[env], before, &patch)
		for _, name := range set {
			d.set = append(d.set, env+"."+name)
		}
		for _, name := range removed {
			d.removed = append(d.removed, env+"."+name)
		}
		if len(patch.Services)+len(set)+len(removed) > 0 {
			patches[env] = patch
		}
	}
}

// Drift names the bindings, variables and settings, as environment.NAME, that a project
// does not hold as wanted. Of a secret variable only the name is known.
func Drift(p cloudflare.Project, wanted Wanted, secrets ...string) []string {
	r := BindRequest{Wanted: wanted, Secrets: map[string]string{}}
	for _, name := range secrets {
		r.Secrets[name] = ""
	}
	d := targetOf(wanted).diff(p)
	d.addSettings(r, p, earlier{digests: r.digests()}, map[string]cloudflare.ConfigPatch{})
	return d.set
}

func same(a, b *Service) bool {
	return a == b || a != nil && b != nil && plain(*a) == plain(*b)
}
