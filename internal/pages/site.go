package pages

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
	// Digest changes with everything in a deployment of the site.
	Digest string
	// Warnings say what will fail in the Worker, and which settings of the site are ignored.
	Warnings []string
	// Notes say what is left out of the deployment, and what is published without need.
	Notes []string

	assets []asset // by name
	// settings are the files that say how the assets are served, by name.
	settings map[string][]byte
	// modules are those of the site's Worker, the main module first.
	modules []module
	// functions is the folder of file routes, or "". compiled is what wrangler made of it. It
	// is nil if there are no routes, or if wrangler did not run; missing then says why.
	functions string
	compiled  *compiled
	missing   error
}

// Close removes what was compiled.
func (s *Site) Close() { s.compiled.remove() }

// settingsFiles are read, not served.
// https://developers.cloudflare.com/pages/configuration/headers/
// https://developers.cloudflare.com/pages/configuration/redirects/
// https://developers.cloudflare.com/pages/functions/routing/#create-a-_routesjson-file
var settingsFiles = []string{"_headers", "_redirects", routesFile}

const routesFile = "_routes.json"

// Folder is the folder of a site, and how it is read.
type Folder struct {
	Site string
	// Functions is the folder of file routes. If empty, it is functions beside the site.
	Functions string
	// FunctionsEnv names further environment variables for wrangler, which compiles them.
	FunctionsEnv []string
	// Public are paths in the site, with slashes, of files and folders that look like secrets
	// and are served. A folder's path does not cover what is in it.
	Public []string
	// Runtime is that of the Functions.
	Runtime bundle.Runtime
	// NoIndex asks search engines to list no page of the site.
	NoIndex bool
}

// Read reads a site. The error has all problems of the folder, by [errors.Join].
//
// It compiles the functions, since their digest depends on what they import. [Site.Close]
// removes the result.
func Read(ctx context.Context, f Folder) (_ *Site, err error) {
	root, err := rootOf(f.Site)
	if err != nil {
		return nil, err
	}
	s := &Site{settings: map[string][]byte{}}
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	functions, err := s.readCode(ctx, f)
	problems := append(s.readSettings(f.Site), err)
	if f.NoIndex {
		problems = append(problems, s.addNoIndex())
	}

	w := newWalker(root, f.Public)
	w.walk("", root)
	problems = append(append(problems, w.problems...), w.exposed())
	s.assets = w.assets
	if s.compiled != nil {
		p := newWalker(s.compiled.site(), nil)
		p.walk("", p.root)
		s.assets, problems = append(s.assets, p.assets...), append(problems, p.problems...)
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	if len(s.assets) == 0 && s.modules == nil && s.compiled == nil {
		return nil, errors.New("it has no files: build the site, or " + giveFolder)
	}
	slices.SortFunc(s.assets, func(a, b asset) int { return cmp.Compare(a.name, b.name) })
	s.Warnings = append(s.Warnings, w.warnings()...)
	s.Notes = append(s.Notes, w.notes(s.functions)...)
	s.Digest = s.digest(functions)
	return s, nil
}

const giveFolder = "give a folder to serve, relative to the project's folder"

// rootOf returns a site's folder without symbolic links.
func rootOf(folder string) (string, error) {
	root, err := filepath.EvalSymlinks(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return "", errors.New("there is no such folder: build the site, or " + giveFolder)
	}
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, giveFolder)
	}
	if info, err := os.Stat(root); err != nil {
		return "", err
	} else if !info.IsDir() {
		return "", errors.New("it is not a folder: " + giveFolder)
	}
	return root, nil
}

// readCode reads the site's Worker or its file routes. It returns the digest of the latter.
func (s *Site) readCode(ctx context.Context, f Folder) (functions string, err error) {
	if s.modules, s.Warnings, err = readWorker(f.Site, f.Runtime); err != nil {
		return "", err
	}
	return s.readFunctions(ctx, f)
}

// readSettings reads the settings files, and warns of what is ignored in them. As with
// wrangler, an empty file counts as missing, and so does _routes.json if there is no code.
func (s *Site) readSettings(folder string) (problems []error) {
	for _, name := range settingsFiles {
		content, err := os.ReadFile(filepath.Join(folder, name))
		switch {
		case errors.Is(err, fs.ErrNotExist) || err == nil && len(content) == 0:
			continue
		case err != nil:
			problems = append(problems, unreadable(name, err))
		case name == routesFile && s.modules == nil && s.functions == "":
			s.warn(routesFile + " is ignored: the site has no code")
			continue
		case name == routesFile:
			if err := checkRoutes(content); err != nil {
				problems = append(problems, fmt.Errorf("%w; correct it, or remove the file", err))
			}
		case name == "_headers":
			l := parseHeaders(string(content))
			s.warn(l.warning(name))
		default:
			l := parseRedirects(string(content))
			s.warn(l.warning(name))
		}
		s.settings[name] = content
	}
	return problems
}

func (s *Site) warn(warning string) {
	if warning != "" {
		s.Warnings = append(s.Warnings, warning)
	}
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
