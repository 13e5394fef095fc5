package stack

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"portfolio-infra/internal/pages"
)

// siteProblems notes what is wrong with the folder of a site, each by itself.
func (r *reader) siteProblems(key, folder string, err error) {
	problems := []error{err}
	if all, ok := err.(interface{ Unwrap() []error }); ok { // of pages.Read, by errors.Join
		problems = all.Unwrap()
	}
	for _, problem := range problems {
		if functions := (*pages.FunctionsError)(nil); errors.As(problem, &functions) {
			r.problem(functions.Key, "%v", functions)
		} else {
			r.problem(key, "%q: %v", folder, problem)
		}
	}
}

// checkSitePath returns an error unless the state may have the path of a site, and everybody
// the folder: the project's own has its settings, and maybe its state.
func checkSitePath(dir, folder string) error {
	if err := checkPath(folder); err != nil {
		return fmt.Errorf("%w; give a folder to serve, relative to the project's folder", err)
	}
	site, err := os.Stat(filepath.Join(dir, folder))
	if err != nil {
		return nil // pages.Read says so
	}
	above, err := filepath.Abs(dir)
	if err == nil {
		above, err = filepath.EvalSymlinks(above)
	}
	if err != nil {
		return err
	}
	for {
		if info, err := os.Stat(above); err == nil && os.SameFile(info, site) {
			return errors.New("it has the project's own folder, so everybody could read its settings: give the folder that the build of the site writes")
		}
		if filepath.Dir(above) == above {
			return nil
		}
		above = filepath.Dir(above)
	}
}

// say says what the folder of a site has that the user may not expect.
func (s *Site) say(ctx *pulumi.Context, key string) error {
	var all []error
	for _, warning := range s.Content.Warnings {
		all = append(all, ctx.Log.Warn(key+": "+warning, nil))
	}
	for _, note := range s.Content.Notes {
		all = append(all, ctx.Log.Info(key+": "+note, nil))
	}
	return errors.Join(all...)
}

// checkDeployment refuses a deployment to which Cloudflare or its owner would object.
func checkDeployment(ctx *pulumi.Context, cfg *Config, w *world, owner string) error {
	if cfg.Site == nil {
		return nil
	}
	if err := checkServing(cfg, w, owner); err != nil {
		return err
	}
	if err := checkCount(ctx, cfg, w); err != nil {
		return err
	}
	return checkShrunk(ctx, cfg, owner)
}

// checkServing refuses a project that serves the deployment of somebody else. Hooks of the
// command would refuse it as well, in a preview too, since such a deployment is drift. But
// an up that has no preview would have uploaded the Worker and set the bindings by then.
func checkServing(cfg *Config, w *world, owner string) error {
	if w.project == nil || cfg.OverwriteSite || owner == "" {
		return nil
	}
	return pages.CheckConflict(*w.project, owner)
}

// checkCount refuses a site with more files than the plan allows.
func checkCount(ctx *pulumi.Context, cfg *Config, w *world) error {
	project := ""
	if w.project != nil {
		project = w.project.Name
	}
	warning, err := cfg.Site.Content.CheckCount(ctx.Context(), w.api, project)
	if warning == "" {
		return err
	}
	return ctx.Log.Warn(warning, nil)
}

const commandToken = "command:local:Command"

// checkShrunk refuses a site that has lost most of its files since the deployment that the
// state has. It reads the state, which a new stack does not have.
func checkShrunk(ctx *pulumi.Context, cfg *Config, owner string) error {
	if cfg.Site.Shrink || owner == "" {
		return nil
	}
	recorded, _ := stateOutputs(ctx, commandToken, "site")
	text := func(key string) string { s, _ := recorded[key].(string); return s }
	return cfg.Site.Content.CheckShrunk(text("stdin"), text("stdout"))
}
