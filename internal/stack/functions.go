package stack

import (
	"fmt"
	"os"
	"path"
	"path/filepath"

	"portfolio-infra/internal/pages"
)

// functions reads the folder of the site's file routes. "" is one beside the site.
func (r *reader) functions(key string) string {
	folder := r.text(key)
	if folder == "" {
		return ""
	}
	if err := checkPath(folder); err != nil {
		r.problem(key, "%q: %v; give a folder of file routes, relative to the project's folder", folder, err)
		return ""
	}
	return filepath.ToSlash(filepath.Clean(folder))
}

// below returns the path of a folder of the project.
func (r *reader) below(folder string) string {
	if folder == "" {
		return ""
	}
	return filepath.Join(r.program.Dir, folder)
}

// variableNames reads a list of names of environment variables.
func (r *reader) variableNames(key string) []string {
	names := object[[]string](r, key, "a list of names of environment variables")
	for _, name := range names {
		r.check(key, name, checkVar)
	}
	return names
}

// sayFunctions says which folder of file routes is deployed. Without any it warns of one that
// wrangler would take in another working directory: which of them is meant, only the user
// knows.
func (r *reader) sayFunctions(site string, content *pages.Site) error {
	if folder := content.Functions(); folder != "" {
		if !r.ctx.DryRun() {
			return nil
		}
		if name, err := filepath.Rel(r.program.Dir, folder); err == nil {
			folder = filepath.ToSlash(name)
		}
		return r.ctx.Log.Info("the site's functions are those of the folder "+folder, nil)
	}
	above := r.functionsAbove(site)
	if above == "" || content.HasWorker() {
		return nil
	}
	return r.ctx.Log.Warn(fmt.Sprintf("functions: there are none beside the site %s, and those in %s are not deployed; if they belong to it, run `pulumi config set functions %s`",
		site, above, above), nil)
}

// functionsAbove returns a folder functions that lies above the folder beside a site, within
// the project's folder, or "".
func (r *reader) functionsAbove(site string) string {
	beside := path.Dir(site)
	for beside != "." && path.Base(beside) != ".." {
		if beside = path.Dir(beside); path.Base(beside) == ".." {
			break
		}
		folder := path.Join(beside, "functions")
		if info, err := os.Stat(filepath.Join(r.program.Dir, folder)); err == nil && info.IsDir() {
			return folder
		}
	}
	return ""
}
