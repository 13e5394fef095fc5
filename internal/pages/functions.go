package pages

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"lukechampine.com/blake3"
)

// FunctionsError is an error in a folder of file routes.
type FunctionsError struct {
	Key string // the config key to change
	Err error
}

func (e *FunctionsError) Error() string { return e.Err.Error() }
func (e *FunctionsError) Unwrap() error { return e.Err }

// Functions returns the folder of file routes that belongs to the site, or "".
func (s *Site) Functions() string { return s.functions }

// HasWorker reports whether the site has a Worker, which takes the place of file routes.
func (s *Site) HasWorker() bool { return s.modules != nil }

// readFunctions compiles the site's file routes and returns their digest, or "" if there are
// none.
//
// If wrangler does not run, the digest is that of the files in the folder alone. The site then
// gets only a warning, since a preview may do without wrangler.
func (s *Site) readFunctions(ctx context.Context, f Folder) (digest string, err error) {
	folder, err := f.functions()
	switch {
	case err != nil:
		return "", &FunctionsError{"functions", err}
	case folder == "":
		return "", nil
	case s.HasWorker():
		s.Warnings = append(s.Warnings, fmt.Sprintf("the functions in %s are not deployed, as with wrangler: "+
			"the site has a Worker in their place (_worker.js or _worker.ts); remove one of them", folder))
		return "", nil
	}
	key := "site"
	if f.Functions != "" {
		key = "functions"
	}
	routes, err := readFileRoutes(folder)
	if err != nil {
		return "", &FunctionsError{key, err}
	}
	s.functions = folder
	compiled, err := compileFunctions(ctx, folder, f)
	var missing *notRun
	switch {
	case errors.As(err, &missing):
		s.missing = &FunctionsError{key, err}
		s.Warnings = append(s.Warnings, fmt.Sprintf("wrangler did not run in %s, so it is not known whether something that %s imports has changed, "+
			"and a deployment would fail: install it there (`npm install --save-dev wrangler`): %v", filepath.Dir(folder), folder, missing.why))
	case errors.Is(err, errNoRoutes) && f.Functions == "":
		s.Warnings = append(s.Warnings, err.Error()+", and nothing of it is deployed")
	case errors.Is(err, errNoRoutes):
		return "", &FunctionsError{key, fmt.Errorf("%w; or, to deploy none, run `pulumi config rm functions`", err)}
	case err != nil:
		return "", &FunctionsError{key, err}
	default:
		s.compiled = compiled
		if err := routes.addInputs(compiled.metafile); err != nil {
			return "", &FunctionsError{key, err}
		}
	}
	routes.addVariables(f.FunctionsEnv)
	return routes.digest(), nil
}

// functions returns the folder of file routes, or "". Unless the user names another one, it
// lies beside the site, not in it, as with wrangler.
// https://developers.cloudflare.com/pages/functions/get-started/
func (f Folder) functions() (string, error) {
	folder := f.Functions
	if folder == "" {
		folder = filepath.Join(filepath.Dir(filepath.Clean(f.Site)), "functions")
	}
	info, err := os.Stat(folder)
	switch {
	case err == nil && info.IsDir():
		return folder, nil
	case f.Functions == "" && (err == nil || errors.Is(err, fs.ErrNotExist)):
		return "", nil
	case err == nil:
		err = errors.New("it is not a folder")
	case errors.Is(err, fs.ErrNotExist):
		err = errors.New("there is no such folder")
	}
	return "", fmt.Errorf("%q: %w; give a folder of file routes, relative to the project's folder, or run `pulumi config rm functions`", folder, err)
}

// fileRoutes is a folder of file routes.
type fileRoutes struct {
	project, root string // the folder above, and the folder itself, without symbolic links

	hash  *blake3.Hasher
	files map[string]bool // those in hash, by path without symbolic links
	sums  map[string]bool // their SHA-1 hashes
}

// readFileRoutes hashes the files in a folder. As with wrangler, a linked folder in it has no
// routes, and what is imported from there counts as an input.
// https://github.com/cloudflare/workers-sdk/blob/f8308360/packages/pages-functions/src/routing/filepath-routing.ts (forEachFile)
func readFileRoutes(folder string) (*fileRoutes, error) {
	project, err1 := filepath.EvalSymlinks(filepath.Dir(folder))
	root, err2 := filepath.EvalSymlinks(folder) // WalkDir does not follow a link
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	r := &fileRoutes{project, root, blake3.New(16, nil), map[string]bool{}, map[string]bool{}}
	return r, filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && entry.Name() == "node_modules":
			return fs.SkipDir
		case entry.IsDir():
			return nil
		}
		place, err := filepath.EvalSymlinks(file)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // a link to nothing, such as an editor's lock
		}
		if err != nil {
			return err
		}
		if info, err := os.Stat(place); err != nil || !info.Mode().IsRegular() {
			return err
		}
		content, err := os.ReadFile(place)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, file)
		fmt.Fprintf(r.hash, "%q %q\n", filepath.ToSlash(name), content)
		sum := sha1.Sum(content)
		r.files[place], r.sums[hex.EncodeToString(sum[:])] = true, true
		return err
	})
}

// addVariables adds to the hash those of the named variables that decide what wrangler builds.
func (r *fileRoutes) addVariables(names []string) {
	for _, name := range buildVariables {
		if value, set := os.LookupEnv(name); set && slices.Contains(names, name) {
			fmt.Fprintf(r.hash, "variable %s %q\n", name, value)
		}
	}
}

func (r *fileRoutes) digest() string { return hex.EncodeToString(r.hash.Sum(nil)) }
