package deployment

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"lukechampine.com/blake3"

	"portfolio-infra/internal/bundle"
)

// Site is a folder that Pages is to serve.
type Site struct {
	// Digest changes with everything that a deployment of the site has.
	Digest string
	// Warnings say what will fail in the site's Worker.
	Warnings []string

	assets []asset // by name
	// settings are the files that say how the assets are served, by name.
	settings map[string][]byte
	// modules are those of the site's Worker, the main module first.
	modules []module
	// functions is a folder of file routes, or "". compiled is what wrangler made of it: nil
	// without a route, and where wrangler did not run, as missing says.
	functions string
	compiled  *compiled
	missing   error
}

// Close removes what was compiled.
func (s *Site) Close() { s.compiled.remove() }

// settingsFiles are not served.
// https://developers.cloudflare.com/pages/configuration/headers/
// https://developers.cloudflare.com/pages/configuration/redirects/
// https://developers.cloudflare.com/pages/functions/routing/#create-a-_routesjson-file
var settingsFiles = []string{"_headers", "_redirects", routesFile}

const routesFile = "_routes.json"

// Folder is the folder of a site, and how it is read.
type Folder struct {
	Site string
	// Functions is the folder of file routes. Empty is a folder functions beside the site.
	Functions string
	// FunctionsEnv are further variables of the environment in which wrangler compiles them.
	FunctionsEnv []string
	// Public are paths in the site, with slashes, that look like secrets and are served.
	Public []string
	// Runtime is that of the Functions.
	Runtime bundle.Runtime
}

// Read reads a site. An error has all problems of the folder.
//
// It compiles the functions, since their digest depends on what they import. [Site.Close]
// removes what it leaves.
func Read(ctx context.Context, f Folder) (_ *Site, err error) {
	folder := f.Site
	root, err := filepath.EvalSymlinks(folder)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, errors.New("there is no such folder")
	case err != nil:
		return nil, err
	}
	if info, err := os.Stat(root); err != nil {
		return nil, err
	} else if !info.IsDir() {
		return nil, errors.New("it is not a folder")
	}
	s := &Site{settings: map[string][]byte{}}
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	functions, err := s.readCode(ctx, f)
	problems := []error{err, s.readSettings(folder)}

	w := walker{root: root}
	w.walk("", root)
	if s.assets = w.assets; len(s.assets) == 0 && len(w.problems) == 0 {
		w.problems = append(w.problems, errors.New("it has no files"))
	}
	if s.compiled != nil {
		p := walker{root: s.compiled.site()}
		p.walk("", p.root)
		s.assets, problems = append(s.assets, p.assets...), append(problems, p.problems...)
	}
	if err := errors.Join(append(problems, w.problems...)...); err != nil {
		return nil, err
	}
	slices.SortFunc(s.assets, func(a, b asset) int { return cmp.Compare(a.name, b.name) })
	s.Digest = s.digest(functions)
	return s, nil
}

// readCode reads the site's Worker, or its file routes, whose digest it returns.
func (s *Site) readCode(ctx context.Context, f Folder) (functions string, err error) {
	if s.modules, s.Warnings, err = readWorker(f.Site, f.Runtime); err != nil {
		return "", err
	}
	return s.readFunctions(ctx, f)
}

// readSettings reads the settings files. As with wrangler an empty one counts as missing,
// and so do routes where there is no code.
func (s *Site) readSettings(folder string) error {
	var problems []error
	for _, name := range settingsFiles {
		content, err := os.ReadFile(filepath.Join(folder, name))
		switch {
		case errors.Is(err, fs.ErrNotExist) || err == nil && len(content) == 0:
			continue
		case err != nil:
			problems = append(problems, err)
		case name == routesFile && s.modules == nil && s.functions == "":
			continue
		case name == routesFile:
			problems = append(problems, checkRoutes(content))
		}
		s.settings[name] = content
	}
	return errors.Join(problems...)
}

func (s *Site) digest(functions string) string {
	hash := blake3.New(16, nil)
	fmt.Fprintln(hash, functions)
	for _, a := range s.assets {
		fmt.Fprintf(hash, "%q %s %s\n", a.name, a.key, a.contentType)
	}
	for _, name := range settingsFiles {
		fmt.Fprintf(hash, "%s %q\n", name, s.settings[name])
	}
	for _, m := range s.modules {
		fmt.Fprintf(hash, "%q %s %q\n", m.name, m.contentType, m.content)
	}
	return hex.EncodeToString(hash.Sum(nil))
}

// manifest maps each path of the site to the key of its content.
func (s *Site) manifest() map[string]string {
	m := make(map[string]string, len(s.assets))
	for _, a := range s.assets {
		m["/"+a.name] = a.key
	}
	return m
}
