package pages

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"lukechampine.com/blake3"

	"portfolio-infra/internal/bundle"
)

// metafile is what esbuild says about a bundle. wrangler runs esbuild in the folder of file
// routes, and all paths are relative to it.
// https://esbuild.github.io/api/#metafile
// https://github.com/cloudflare/workers-sdk/blob/f8308360/packages/wrangler/src/pages/functions/buildWorker.ts (buildWorkerFromFunctions)
type metafile struct {
	Inputs map[string]struct {
		Imports []struct {
			Path     string
			External bool
		}
	}
	Outputs map[string]struct {
		Inputs map[string]struct{ BytesInOutput int }
	}
}

var (
	// generated matches the module that imports the routes. It is gone when wrangler is done.
	generated = regexp.MustCompile(`(^|/)functionsRoutes-[^/]*$`)
	// ofWrangler matches inputs that come with wrangler. They do not count: another version on
	// another machine does not change the site.
	ofWrangler = regexp.MustCompile(`(^|/)node_modules/(wrangler|unenv|@cloudflare/unenv-preset)/`)
	// virtual matches an input that is not a file. It begins with the namespace of a plugin, or
	// esbuild's own "(disabled):".
	virtual = regexp.MustCompile(`^[^/]*:`)
	// collected matches an import of a file that is not code. The file becomes a module named
	// by its SHA-1 hash.
	// https://github.com/cloudflare/workers-sdk/blob/f8308360/packages/wrangler/src/deployment-bundle/module-collection.ts
	collected = regexp.MustCompile(`^\./([0-9a-f]{40})-`)
)

// addInputs adds to the hash what the functions were made of, if anything was imported from
// outside the folder: the content of each such file, and the effect of tsconfig.json and
// package.json on all inputs. So the digest changes with what is deployed. If nothing else was
// imported, it is that of the folder alone.
func (r *fileRoutes) addInputs(m metafile) error {
	included := map[string]bool{} // the others are dropped because of package.json's sideEffects
	for _, output := range m.Outputs {
		for input, in := range output.Inputs {
			included[input] = included[input] || in.BytesInOutput > 0
		}
	}
	elsewhere := false
	var lines []string
	for _, input := range r.reached(m) {
		content := ""
		if !r.files[r.file(input)] {
			elsewhere = true
			var err error
			if content, err = hashInput(r.file(input)); err != nil {
				return err
			}
		}
		var imports []string
		for _, i := range m.Inputs[input].Imports {
			switch sum := collected.FindStringSubmatch(i.Path); {
			case i.External && sum != nil:
				elsewhere = elsewhere || !r.sums[sum[1]]
				imports = append(imports, i.Path)
			case !i.External && counts(i.Path):
				imports = append(imports, r.name(i.Path))
			}
		}
		lines = append(lines, fmt.Sprintf("input %q %s %s %t %q\n", r.name(input), content, r.transpiled(input), included[input], imports))
	}
	if !elsewhere {
		return nil
	}
	slices.Sort(lines)
	fmt.Fprint(r.hash, strings.Join(lines, ""))
	return nil
}

// reached returns the routes and what they import, directly or not. wrangler's own code, which
// calls the routes, and its imports are not among them.
func (r *fileRoutes) reached(m metafile) []string {
	var next []string
	push := func(input string) {
		for _, i := range m.Inputs[input].Imports {
			if !i.External {
				next = append(next, i.Path)
			}
		}
	}
	for input := range m.Inputs {
		switch {
		case r.files[r.file(input)]:
			next = append(next, input)
		case generated.MatchString(input):
			push(input)
		}
	}
	seen := map[string]bool{}
	for len(next) > 0 {
		input := next[0]
		if next = next[1:]; !seen[input] && counts(input) {
			seen[input] = true
			push(input)
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

func counts(input string) bool { return !ofWrangler.MatchString(input) && !virtual.MatchString(input) }

// file returns the path of an input.
func (r *fileRoutes) file(input string) string {
	return filepath.Join(r.root, filepath.FromSlash(input))
}

// name returns a path of an input that is the same on every machine.
func (r *fileRoutes) name(input string) string {
	name, err := filepath.Rel(r.project, r.file(input))
	if err != nil {
		return input
	}
	return filepath.ToSlash(name)
}

// transpiled hashes what esbuild makes of an input with its tsconfig.json. Packages have none.
// https://esbuild.github.io/content-types/#tsconfig-json
func (r *fileRoutes) transpiled(input string) string {
	if strings.Contains(input, "node_modules/") {
		return ""
	}
	sum := blake3.Sum256(bundle.Transpile(r.file(input)))
	return fmt.Sprintf("%x", sum[:16])
}

// hashInput hashes the content of a file. If the file does not exist, it drops a query from the
// path, as esbuild does. A file in a Yarn archive cannot be read, but its path has the
// archive's hash.
// https://github.com/evanw/esbuild/blob/v0.27.0/CHANGELOG.md (0.11.21, 0.15.0)
func hashInput(file string) (string, error) {
	content, err := os.ReadFile(file)
	if i := strings.IndexAny(file, "?#"); err != nil && i > 0 {
		content, err = os.ReadFile(file[:i])
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !strings.Contains(file, ".zip"+string(filepath.Separator)) {
		return "", err
	}
	sum := blake3.Sum256(content)
	return fmt.Sprintf("%x", sum[:16]), nil
}
