// Package bundle makes one ES module for Cloudflare's runtime out of an entry file
// and what it imports.
//
// It sets up esbuild as wrangler does, so that a Worker behaves the same whichever of
// them built it. Two things differ on purpose. The content depends on the sources alone,
// not on the environment or on where the root is, and has no source map, so that every
// machine uploads the same bytes. And Node's own modules are left to the runtime (the flag
// nodejs_compat), where wrangler also adds polyfills.
//
// https://github.com/cloudflare/workers-sdk/blob/main/packages/wrangler/src/deployment-bundle/bundle.ts
// https://developers.cloudflare.com/workers/wrangler/bundling/
package bundle

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

// Options says what the runtime offers.
type Options struct {
	// Node reports whether the compatibility flag nodejs_compat is set. Imports of node:*
	// are left to the runtime then, and are errors otherwise.
	// https://developers.cloudflare.com/workers/runtime-apis/nodejs/
	Node bool
}

// Build bundles the entry file, a path below root. An error names each problem with
// its file and line.
func Build(root, entry string, o Options) ([]byte, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	external := []string{"cloudflare:*"}
	if o.Node {
		external = append(external, "node:*")
	}
	result := api.Build(api.BuildOptions{
		AbsWorkingDir: root,
		// Without the dot esbuild takes the name for a package's.
		EntryPoints: []string{"./" + filepath.ToSlash(entry)},
		Outfile:     "worker.js",
		Bundle:      true,
		External:    external,
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
			"navigator.userAgent":             `"Cloudflare-Workers"`,
		},
		Loader: map[string]api.Loader{
			".js": api.LoaderJSX, ".mjs": api.LoaderJSX, ".cjs": api.LoaderJSX,
			".txt": api.LoaderText, ".html": api.LoaderText, ".sql": api.LoaderText,
		},
		LogLevel: api.LogLevelSilent,
	})
	if len(result.Errors) > 0 {
		return nil, problems(result.Errors)
	}
	return result.OutputFiles[0].Contents, nil
}

// problems joins esbuild's messages, each with its place.
func problems(messages []api.Message) error {
	var all []error
	for _, m := range messages {
		text := m.Text
		switch {
		case strings.HasPrefix(text, `Could not resolve "node:`):
			text += ": add the compatibility flag nodejs_compat"
		case strings.HasPrefix(text, "Could not resolve"):
			text += ": install the package, or correct the path"
		case strings.HasPrefix(text, "No loader is configured"):
			text += ": only .txt, .html and .sql may be imported besides code"
		}
		if l := m.Location; l != nil {
			text = fmt.Sprintf("%s:%d: %s", l.File, l.Line, text)
		}
		all = append(all, errors.New(text))
	}
	return errors.Join(all...)
}
