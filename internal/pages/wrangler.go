package pages

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"portfolio-infra/internal/cloudflare"
)

// CheckWranglerFile returns an error if a project takes its bindings from a Wrangler file and
// does not hold what is wanted. The project's next deployment would undo a patch, so a binding
// must be in that file. Once it is deployed, there is nothing to patch.
// https://developers.cloudflare.com/pages/functions/wrangler-configuration/#source-of-truth
func CheckWranglerFile(p cloudflare.Project, wanted Wanted) error {
	return checkWranglerFile(p, Drift(p, wanted), targetOf(wanted), wanted)
}

func checkWranglerFile(p cloudflare.Project, missing []string, t target, wanted Wanted) error {
	var hash string
	for _, config := range p.DeploymentConfigs {
		hash += config.WranglerConfigHash
	}
	if hash == "" || len(missing) == 0 {
		return nil
	}
	return fmt.Errorf("the Pages project %q takes its bindings from a Wrangler file (it has pages_build_output_dir), so each deployment "+
		"would remove what is set here (%s): add these lines to that file, deploy the site, then run it again:\n%s",
		p.Name, strings.Join(missing, ", "), wanted.wranglerLines()+t.wranglerLines())
}

// wranglerLines returns the target's service bindings as a Wrangler file has them. A top-level
// binding is for all environments, except one that has its own.
// https://developers.cloudflare.com/pages/functions/wrangler-configuration/#environment-specific-overrides
func (t target) wranglerLines() string {
	var b strings.Builder
	write := func(table string, services map[string]*Service) {
		for _, name := range slices.Sorted(maps.Keys(services)) {
			s := services[name]
			if s == nil {
				continue
			}
			fmt.Fprintf(&b, "\n[[%s]]\nbinding = %q\nservice = %q\nenvironment = %q\n", table, name, s.Service, s.Environment)
			if s.Entrypoint != "" {
				fmt.Fprintf(&b, "entrypoint = %q\n", s.Entrypoint)
			}
		}
	}
	write("services", t["production"])
	if !maps.EqualFunc(t["production"], t["preview"], same) {
		write("env.preview.services", t["preview"])
		if len(t["preview"]) == 0 {
			b.WriteString("\n[env.preview]\nservices = []\n")
		}
	}
	return b.String()
}
