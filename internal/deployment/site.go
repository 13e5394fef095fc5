package deployment

import (
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"lukechampine.com/blake3"
)

// Site is a folder as it goes to Pages.
type Site struct {
	// Digest changes with everything that a deployment of the site has.
	Digest string

	assets []asset
	// settings are the files that steer how the assets are served, by name.
	settings map[string][]byte
	// modules are those of the site's Worker, the main module first.
	modules []module
	// functions is a folder of file routes, to be compiled by wrangler, or "".
	functions string
}

// maxAssets is the number of files that a site may have unless the upload token says
// otherwise.
// https://developers.cloudflare.com/pages/platform/limits/#files
const maxAssets = 20_000

// settingsFiles are not served.
// https://developers.cloudflare.com/pages/configuration/headers/
// https://developers.cloudflare.com/pages/configuration/redirects/
// https://developers.cloudflare.com/pages/functions/routing/#create-a-_routesjson-file
var settingsFiles = []string{"_headers", "_redirects", "_routes.json"}

// Read reads the site in a folder. node says that the Functions' runtime has Node's
// modules. An error has all problems of the folder.
func Read(folder string, node bool) (*Site, error) {
	s := &Site{settings: map[string][]byte{}}
	var problems []error
	for _, name := range settingsFiles {
		content, err := os.ReadFile(filepath.Join(folder, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			problems = append(problems, err)
		}
		s.settings[name] = content
	}
	if routes, ok := s.settings["_routes.json"]; ok {
		problems = append(problems, checkRoutes(routes))
	}
	var err error
	if s.modules, err = readWorker(folder, node); err != nil {
		problems = append(problems, err)
	}
	functions := ""
	if s.modules == nil {
		if s.functions, functions, err = functionsFolder(folder); err != nil {
			problems = append(problems, err)
		}
	}
	w := walker{root: folder}
	if w.root, err = filepath.EvalSymlinks(folder); err != nil {
		return nil, err
	}
	w.walk("")
	if s.assets = w.assets; len(s.assets) == 0 && len(w.problems) == 0 {
		w.problems = append(w.problems, errors.New("it has no files"))
	}
	if err := errors.Join(append(problems, w.problems...)...); err != nil {
		return nil, err
	}
	slices.SortFunc(s.assets, func(a, b asset) int { return cmp.Compare(a.name, b.name) })
	s.Digest = s.digest(functions)
	return s, nil
}

func (s *Site) digest(functions string) string {
	hash := blake3.New(32, nil)
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
	return hex.EncodeToString(hash.Sum(nil)[:16])
}

// manifest maps each path of the site to the key of its content.
func (s *Site) manifest() map[string]string {
	m := make(map[string]string, len(s.assets))
	for _, a := range s.assets {
		m["/"+a.name] = a.key
	}
	return m
}

// walker finds the files of a site.
type walker struct {
	root     string
	assets   []asset
	problems []error
}

// walk adds the files below a folder of the site. It follows symbolic links, as wrangler
// does, but not out of the site: what lies there was not meant for the web.
func (w *walker) walk(folder string) {
	entries, err := os.ReadDir(filepath.Join(w.root, folder))
	if err != nil {
		w.problems = append(w.problems, err)
		return
	}
	for _, entry := range entries {
		name := path.Join(folder, entry.Name())
		if skipped(name) {
			continue
		}
		if err := w.visit(name); err != nil {
			w.problems = append(w.problems, err)
		}
	}
}

func (w *walker) visit(name string) error {
	file := filepath.Join(w.root, filepath.FromSlash(name))
	link, err := os.Lstat(file)
	if err != nil {
		return err
	}
	if link.Mode()&fs.ModeSymlink != 0 {
		target, err := filepath.EvalSymlinks(file)
		if err != nil {
			return err
		}
		inside, err := filepath.Rel(w.root, target)
		if err != nil || !filepath.IsLocal(inside) {
			return fmt.Errorf("%s is a symbolic link that leads out of the site", name)
		}
		// A link to a folder that it lies in would never end.
		if above := filepath.ToSlash(inside); above == "." || strings.HasPrefix(name, above+"/") {
			return fmt.Errorf("%s is a symbolic link to a folder that contains it", name)
		}
	}
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	switch {
	case info.IsDir():
		w.walk(name)
	case info.Mode().IsRegular():
		a, err := newAsset(name, file)
		if err != nil {
			return err
		}
		w.assets = append(w.assets, a)
	default:
		return fmt.Errorf("%s is neither a file nor a folder", name)
	}
	return nil
}

// skipped reports whether a path of the site is not served.
// https://github.com/cloudflare/workers-sdk/blob/main/packages/wrangler/src/pages/validate.ts
func skipped(name string) bool {
	switch name {
	case "_worker.js", "_worker.ts", "_redirects", "_headers", "_routes.json", "functions", ".wrangler":
		return true
	}
	switch path.Base(name) {
	case ".DS_Store", "node_modules", ".git":
		return true
	}
	return false
}
