package pages

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"unicode/utf8"
)

// walker finds the files of a site.
type walker struct {
	root     string // without symbolic links
	assets   []asset
	problems []error
	// above are the folders that the walk is in, without symbolic links.
	above []string

	// public is as in [Folder]. needed says which of its paths look like a secret.
	public []string
	needed []bool
	// secrets are what looks like a secret and is not in public.
	secrets []secret
	// odd are paths that the user should know about.
	odd  map[oddity][]string
	head [headSize]byte
}

// newWalker returns a walker of the site in root, a path without symbolic links.
func newWalker(root string, public []string) *walker {
	return &walker{root: root, public: public, needed: make([]bool, len(public)), odd: map[oddity][]string{}}
}

// walk adds the files below a folder of the site. place is its path without symbolic links. It
// follows symbolic links, as wrangler does, but not out of the site: what is there may not be
// meant for the web.
func (w *walker) walk(folder, place string) {
	w.above = append(w.above, place)
	defer func() { w.above = w.above[:len(w.above)-1] }()
	entries, err := os.ReadDir(place)
	if err != nil {
		w.problems = append(w.problems, unreadable(folder, err))
		return
	}
	for _, entry := range entries {
		name := path.Join(folder, entry.Name())
		if skipped(name) {
			w.noteSkipped(name)
			continue
		}
		if err := w.visit(name, filepath.Join(place, entry.Name()), entry.Type()); err != nil {
			w.problems = append(w.problems, err)
		}
	}
}

func (w *walker) visit(name, file string, mode fs.FileMode) error {
	if !utf8.ValidString(name) {
		return fmt.Errorf("the file name %q is not UTF-8: rename it", name)
	}
	if mode&fs.ModeSymlink != 0 {
		target, err := filepath.EvalSymlinks(file)
		if err != nil {
			to, _ := os.Readlink(file)
			return fmt.Errorf("%s is a symbolic link to %s, which leads nowhere: remove it, or create what it names", name, to)
		}
		if inside, err := filepath.Rel(w.root, target); err != nil || !filepath.IsLocal(inside) {
			return fmt.Errorf("%s is a symbolic link that leads out of the site: copy its target into the site", name)
		}
		if slices.Contains(w.above, target) {
			return fmt.Errorf("%s is a symbolic link to a folder that contains it: remove it", name)
		}
		info, err := os.Lstat(target)
		if err != nil {
			return unreadable(name, err)
		}
		file, mode = target, info.Mode()
	}
	if !mode.IsDir() && !mode.IsRegular() {
		return fmt.Errorf("%s is neither a file nor a folder: remove it", name)
	}
	if secret, err := w.checkSecret(name, file, mode.IsDir()); err != nil || secret {
		return unreadable(name, err)
	}
	if mode.IsDir() {
		w.walk(name, file)
		return nil
	}
	return w.add(name, file)
}

// add adds a file.
func (w *walker) add(name, file string) error {
	info, err := os.Stat(file)
	if err == nil && info.Size() > maxAsset {
		return fmt.Errorf("%s has %.1f MiB, and Pages takes files of at most 25 MiB: make it smaller, or keep it elsewhere, such as in R2", name, float64(info.Size())/(1<<20))
	}
	a, err := newAsset(name, file)
	if err != nil {
		return unreadable(name, err)
	}
	w.assets = append(w.assets, a)
	w.note(name)
	return nil
}

// unreadable returns an error that names a file or folder by its name in the site.
func unreadable(name string, err error) error {
	var at *fs.PathError
	if err == nil || !errors.As(err, &at) {
		return err
	}
	return fmt.Errorf("%s cannot be read (%w): make it a readable file, or remove it", cmp.Or(name, "the folder"), at.Err)
}

// skipped reports whether a path of the site is not served. To wrangler's list it adds
// _worker.ts.
// https://github.com/cloudflare/workers-sdk/blob/main/packages/wrangler/src/pages/validate.ts
func skipped(name string) bool {
	switch name {
	case "_worker.js", "_worker.ts", "_redirects", "_headers", routesFile, "functions", ".wrangler":
		return true
	}
	switch path.Base(name) {
	case ".DS_Store", "node_modules", ".git":
		return true
	}
	return false
}
