package stack

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"portfolio-infra/internal/cloudflare"
	"portfolio-infra/internal/pages"
)

// bindings returns the wanted service bindings of the Pages project: the one to the
// stack's own Worker and those of moreBindings.
func (r *reader) bindings(worker string) pages.Wanted {
	r.kept["moreBindings"] = true
	own := r.checked("binding", pages.CheckName)
	all := map[string]pages.Service{}
	more := object[map[string]pages.Service](r, "moreBindings", "an object of bindings, NAME: {service, environment, entrypoint}")
	for _, name := range slices.Sorted(maps.Keys(more)) {
		s := more[name]
		s.Environment = cmp.Or(s.Environment, pages.DefaultEnvironment)
		if err := pages.CheckService(name, s); err != nil {
			r.problem("moreBindings", "%v", err)
		}
		all[name] = s
	}
	if _, both := all[own]; both {
		r.problem("moreBindings", "%s is the binding to the stack's own Worker; choose another name", own)
	}
	all[own] = pages.Service{Service: worker, Environment: pages.DefaultEnvironment}
	wanted := pages.Wanted{Bindings: all}
	switch preview := r.text("previewBinding"); {
	case preview == "production":
	case preview == "none":
		wanted.Preview = maps.Clone(all)
		delete(wanted.Preview, own)
	case cloudflare.IsWorkerName(preview):
		wanted.Preview = maps.Clone(all)
		wanted.Preview[own] = pages.Service{Service: preview, Environment: pages.DefaultEnvironment}
	default:
		r.problem("previewBinding", "%q must be production, none or the name of a Worker", preview)
	}
	return wanted
}

// siteVariables returns the plain and secret variables of the Functions.
func (r *reader) siteVariables(bound pages.Wanted) (vars, secrets map[string]string) {
	return r.variables("siteVars", "siteSecrets", func(name string) error {
		_, production := bound.Bindings[name]
		_, preview := bound.Preview[name]
		if production || preview {
			return fmt.Errorf("%s is the name of a binding; choose another name", name)
		}
		return checkVar(name)
	})
}

// variables returns the plain and the secret variables. No name may be in both.
func (r *reader) variables(varsKey, secretsKey string, c check) (vars, secrets map[string]string) {
	vars, secrets = r.texts(varsKey, c, false), r.texts(secretsKey, c, true)
	if len(secrets) > 0 && !r.isSecret(secretsKey) {
		r.problem(secretsKey, "the value is in plain text: set each secret with `pulumi config set --secret --path %s.NAME`, then rotate the exposed value", secretsKey)
	}
	for _, name := range slices.Sorted(maps.Keys(secrets)) {
		if _, both := vars[name]; both {
			r.problem(secretsKey, "%s is in %s too; remove it from one of them", name, varsKey)
		}
	}
	return vars, secrets
}
