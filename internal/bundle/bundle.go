// Package bundle makes one ES module for Cloudflare's runtime from an entry file and what it
// imports.
//
// It sets up esbuild as wrangler does, so that a Worker behaves the same whichever of them
// built it. Two things differ on purpose. First, the content depends on the sources alone, not
// on the environment or on where the root is, and has no source map: every machine uploads the
// same bytes. Second, Node's own modules are left to the runtime. For those that a
// compatibility date does not have yet, wrangler uses polyfills, which are packages of npm
// (unenv). This program has no npm. If the Worker cannot start without such a module, Build
// refuses it by name, and says which date or flag provides it.
//
// What code does is never guessed from its text: esbuild's metafile says it.
//
// https://github.com/cloudflare/workers-sdk/blob/f8308360/packages/wrangler/src/deployment-bundle/bundle.ts
// https://developers.cloudflare.com/workers/wrangler/bundling/
package bundle

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

// Options says where the bundle will run.
type Options struct {
	Runtime Runtime
	// Modules permits modules beside the main one.
	Modules bool
	// Kept maps each file that the bundle imports but does not contain, by absolute path
	// without links, to the name by which it imports it.
	Kept map[string]string
}

// Result is a bundle.
type Result struct {
	// Code is the main module.
	Code []byte
	// Plain reports whether the entry file can take the place of Code unchanged: it is a
	// JavaScript module that imports only what the runtime and Options.Kept have.
	Plain bool
	// Exports are the names that the entry file exports as an ES module.
	Exports []string
	// Modules are those that Code imports, by name.
	Modules []Module
	// Warnings say what will fail at run time, if it is ever run.
	Warnings []string
}

// Build bundles the entry file, a path below root. An error names each problem with
// its file and line.
func Build(root, entry string, o Options) (Result, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return Result{}, err
	}
	r, lacking, err := o.build(root, entry, nil)
	if err == nil && len(lacking) > 0 {
		_, _, err = o.build(root, entry, lacking)
	}
	return r, err
}

// build bundles once. It also returns which of Node's modules the bundle needs and the runtime
// lacks. For refused see [Runtime.nodePlugin].
func (o Options) build(root, entry string, refused map[string]bool) (Result, map[string]bool, error) {
	collected := &collector{whole: !o.Modules, modules: map[string][]byte{}}
	options := o.options(root, entry)
	options.Plugins = []api.Plugin{keepPlugin(o.Kept), collected.plugin(), o.Runtime.nodePlugin(refused)}
	built := api.Build(options)
	if len(built.Errors) > 0 {
		return Result{}, nil, o.Runtime.problems(built.Errors)
	}
	var meta metafile
	if err := json.Unmarshal([]byte(built.Metafile), &meta); err != nil {
		return Result{}, nil, fmt.Errorf("reading esbuild's metafile: %w", err)
	}
	main := meta.Outputs[outfile]
	r := Result{Code: output(built)}
	if meta.Inputs[main.EntryPoint].Format != "cjs" {
		r.Exports = main.Exports
	}
	for _, name := range slices.Sorted(maps.Keys(collected.modules)) {
		r.Modules = append(r.Modules, Module{name, collected.modules[name]})
	}
	lacking := map[string]bool{}
	for _, i := range main.Imports {
		name := strings.TrimPrefix(i.Path, "node:")
		_, known := nodeFeatures[name]
		lacks := o.Runtime.lacks(name)
		switch {
		case !known || lacks == "":
		case i.Kind == "dynamic-import":
			r.Warnings = append(r.Warnings, fmt.Sprintf("%s: import(%q) will fail where it is run: %s", entry, i.Path, lacks))
		default:
			lacking[name] = true
		}
	}
	for input := range main.Inputs {
		if name, missing := strings.CutPrefix(input, missingNode+":node:"); missing {
			lacking[name] = true
		}
	}
	r.Plain = meta.plain(main.EntryPoint) && bytesOfSyntax(root, entry, o) == string(r.Code)
	return r, lacking, nil
}

const outfile = "worker.js"

// options returns wrangler's options.
func (o Options) options(root, entry string) api.BuildOptions {
	options := api.BuildOptions{
		AbsWorkingDir: root,
		// Without the dot esbuild takes the name for a package's.
		EntryPoints: []string{"./" + filepath.ToSlash(entry)},
		Outfile:     outfile,
		Bundle:      true,
		Metafile:    true,
		External:    []string{"cloudflare:*"},
		Format:      api.FormatESModule,
		Target:      api.ES2024,
		Platform:    api.PlatformBrowser,
		Conditions:  []string{"workerd", "worker", "browser"},
		Supported:   map[string]bool{"import-source": true},
		KeepNames:   true,
		Charset:     api.CharsetUTF8,
		Define: map[string]string{
			"process.env.NODE_ENV":            `"production"`,
			"global.process.env.NODE_ENV":     `"production"`,
			"globalThis.process.env.NODE_ENV": `"production"`,
		},
		Loader: map[string]api.Loader{
			".js": api.LoaderJSX, ".mjs": api.LoaderJSX, ".cjs": api.LoaderJSX,
			".txt": api.LoaderText, ".html": api.LoaderText, ".sql": api.LoaderText,
		},
		LogLevel: api.LogLevelSilent,
	}
	if o.Runtime.navigator() {
		options.Define["navigator.userAgent"] = `"Cloudflare-Workers"`
	}
	return options
}

// bytesOfSyntax prints the entry file as esbuild prints a bundle, with nothing replaced,
// resolved or lowered to older syntax. It returns "" if the file is not plain JavaScript.
func bytesOfSyntax(root, entry string, o Options) string {
	options := o.options(root, entry)
	for name := range options.Define {
		// The other one, navigator.userAgent, has the same value in the runtime.
		if strings.HasSuffix(name, "NODE_ENV") {
			delete(options.Define, name)
		}
	}
	for _, extension := range []string{".js", ".mjs", ".cjs"} {
		options.Loader[extension] = api.LoaderJS
	}
	options.Target = api.ESNext
	options.Plugins = []api.Plugin{{Name: "external", Setup: func(b api.PluginBuild) {
		b.OnResolve(api.OnResolveOptions{Filter: ".*"}, func(args api.OnResolveArgs) (api.OnResolveResult, error) {
			if args.Kind == api.ResolveEntryPoint {
				return api.OnResolveResult{}, nil
			}
			return api.OnResolveResult{Path: args.Path, External: true}, nil
		})
	}}}
	built := api.Build(options)
	if len(built.Errors) > 0 {
		return ""
	}
	return string(output(built))
}

// output returns the main module. Imported CSS becomes a file too.
func output(built api.BuildResult) []byte {
	for _, file := range built.OutputFiles {
		if filepath.Base(file.Path) == outfile {
			return file.Contents
		}
	}
	return nil
}

// metafile is what esbuild says about a bundle.
// https://esbuild.github.io/api/#metafile
type metafile struct {
	Inputs map[string]struct {
		Format  string // "esm", "cjs" or ""
		Imports []imported
	}
	Outputs map[string]struct {
		EntryPoint string
		Exports    []string
		Imports    []imported
		Inputs     map[string]any
	}
}

type imported struct {
	Path, Kind string
	External   bool
}

// plain reports whether the entry file is the whole bundle: JavaScript that imports only what
// is external, with the syntax of ES modules.
func (m metafile) plain(entry string) bool {
	if extension := path.Ext(entry); len(m.Inputs) != 1 || extension != ".js" && extension != ".mjs" {
		return false
	}
	return !slices.ContainsFunc(m.Inputs[entry].Imports, func(i imported) bool {
		return !i.External || i.Kind != "import-statement" && i.Kind != "dynamic-import"
	})
}

// problems joins esbuild's messages, each with its place.
func (r Runtime) problems(messages []api.Message) error {
	var all []error
	for _, m := range messages {
		text := m.Text
		if name, ok := strings.CutPrefix(text, `Could not resolve "`); ok {
			name, prefixed := strings.CutPrefix(strings.TrimSuffix(name, `"`), "node:")
			if _, known := nodeFeatures[name]; known || prefixed {
				text += ": " + cmp.Or(r.lacks(name), "install the package")
			} else {
				text += ": install the package, or correct the path"
			}
		} else if strings.HasPrefix(text, "No loader is configured") {
			text += ": only .txt, .html and .sql may be imported besides code, and .wasm and .bin by a site's Worker"
		}
		if l := m.Location; l != nil {
			text = fmt.Sprintf("%s:%d: %s", l.File, l.Line, text)
		}
		all = append(all, errors.New(text))
	}
	return errors.Join(all...)
}
