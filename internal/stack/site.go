package stack

import (
	"path/filepath"

	"portfolio-infra/internal/bundle"
	"portfolio-infra/internal/deployment"
)

// Site is the folder that the Pages project serves.
type Site struct {
	// Folder is relative to the project's folder, so that the state is the same on every
	// machine.
	Folder string
	// Digest changes with everything that a deployment has of the folder.
	Digest string
	// Functions, FunctionsEnv and PublicFiles are as in [deployment.Folder].
	Functions    string
	FunctionsEnv []string
	PublicFiles  []string
	// Shrink permits a site that has lost most of its files.
	Shrink bool
}

// site reads the folder that the Pages project is to serve. There is none by default.
func (r *reader) site(key string, runtime bundle.Runtime) *Site {
	folder := r.text(key)
	s := &Site{
		Functions:    r.text("functions"),
		FunctionsEnv: object[[]string](r, "functionsEnv", "a list of names of environment variables"),
		PublicFiles:  object[[]string](r, "publicFiles", "a list of paths in the site"),
		Shrink:       r.boolean("shrinkSite"),
	}
	if folder == "" {
		return nil
	}
	s.Folder = filepath.ToSlash(filepath.Clean(folder))
	content, err := &deployment.Site{}, checkPath(folder)
	if err == nil {
		content, err = deployment.Read(r.ctx.Context(), deployment.Folder{
			Site:         filepath.Join(r.program.Dir, folder),
			Functions:    s.Functions,
			FunctionsEnv: s.FunctionsEnv,
			Public:       s.PublicFiles,
			Runtime:      runtime,
		})
	}
	if err != nil {
		r.problem(key, "%q: %v; give a folder to serve, relative to the project's folder", folder, err)
		return s
	}
	for _, warning := range content.Warnings {
		if err := r.ctx.Log.Warn(key+": "+warning, nil); err != nil {
			r.problem(key, "%v", err)
		}
	}
	s.Digest = content.Digest
	return s
}
