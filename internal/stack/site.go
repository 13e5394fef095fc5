package stack

import (
	"errors"
	"path/filepath"

	"portfolio-infra/internal/bundle"
	"portfolio-infra/internal/pages"
)

// Site is the folder that the Pages project serves.
type Site struct {
	// Folder is relative to the project's folder, so that the state is the same on every
	// machine.
	Folder string
	// Digest changes with everything that a deployment has of the folder.
	Digest string
	// Functions, FunctionsEnv and PublicFiles are as in [pages.Folder].
	Functions    string
	FunctionsEnv []string
	PublicFiles  []string
	// NoIndex asks search engines to list no page of the site.
	NoIndex bool
	// Shrink permits a site that has lost most of its files.
	Shrink bool
	// Content is what the folder has.
	Content *pages.Site

	wranglerFiles []string // what is said of them
}

// site reads the folder that the Pages project is to serve. There is none by default.
// No search engine is to list an environment.
func (r *reader) site(key string, runtime bundle.Runtime, noIndex bool) *Site {
	folder := r.text(key)
	s := &Site{
		Functions:    r.functions("functions"),
		FunctionsEnv: r.variableNames("functionsEnv"),
		PublicFiles:  object[[]string](r, "publicFiles", "a list of paths in the site"),
		NoIndex:      noIndex,
		Shrink:       r.boolean("shrinkSite"),
	}
	if folder == "" {
		return nil
	}
	s.Folder = filepath.ToSlash(filepath.Clean(folder))
	err := checkSitePath(r.program.Dir, folder)
	if err == nil {
		s.Content, err = pages.Read(r.ctx.Context(), pages.Folder{
			Site:         filepath.Join(r.program.Dir, folder),
			Functions:    r.below(s.Functions),
			FunctionsEnv: s.FunctionsEnv,
			Public:       s.PublicFiles,
			Runtime:      runtime,
			NoIndex:      s.NoIndex,
		})
	}
	if err == nil {
		defer s.Content.Close()
		s.Digest = s.Content.Digest
		for _, file := range pages.WranglerFiles(r.program.Dir, s.Folder) {
			s.wranglerFiles = append(s.wranglerFiles, key+": "+file)
		}
		err = errors.Join(r.sayFunctions(s.Folder, s.Content), s.say(r.ctx, key))
	}
	if err != nil {
		r.siteProblems(key, folder, err)
	}
	return s
}
