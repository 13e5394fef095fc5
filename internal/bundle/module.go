package bundle

import (
	"crypto/sha1"
	"encoding/hex"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"

	"github.com/evanw/esbuild/pkg/api"
)

// Module is a module that the main module imports, and that is not code.
type Module struct {
	// Name is what the main module imports.
	Name    string
	Content []byte
}

// resolving marks a path that a plugin asks esbuild to resolve, so that the plugin itself is
// not asked again.
const resolving = "resolving"

// ask asks esbuild to resolve a path as if the importing module had it.
func ask(b api.PluginBuild, args api.OnResolveArgs, path string) api.ResolveResult {
	return b.Resolve(path, api.ResolveOptions{
		Importer: args.Importer, Namespace: args.Namespace, ResolveDir: args.ResolveDir, Kind: args.Kind, PluginData: resolving,
	})
}

// resolvable reports whether esbuild finds a path.
func resolvable(b api.PluginBuild, args api.OnResolveArgs, path string) bool {
	return len(ask(b, args, path).Errors) == 0
}

// collector collects imported files that are not code.
type collector struct {
	// whole is set if everything must be one module.
	whole   bool
	mu      sync.Mutex // esbuild resolves in parallel
	modules map[string][]byte
}

// plugin gives each such file the name that wrangler gives it. It leaves text to esbuild's
// loaders: as a part of the main module it is the same text.
//
// https://github.com/cloudflare/workers-sdk/blob/f8308360/packages/wrangler/src/deployment-bundle/module-collection.ts
// https://github.com/cloudflare/workers-sdk/blob/f8308360/packages/wrangler/src/deployment-bundle/rules.ts (DEFAULT_MODULE_RULES)
func (c *collector) plugin() api.Plugin {
	return api.Plugin{Name: "modules", Setup: func(b api.PluginBuild) {
		b.OnResolve(api.OnResolveOptions{Filter: `\.(bin|wasm|wasm\?module)$`}, func(args api.OnResolveArgs) (api.OnResolveResult, error) {
			if args.PluginData == resolving {
				return api.OnResolveResult{}, nil
			}
			name := strings.TrimSuffix(args.Path, "?module")
			found := ask(b, args, name)
			if len(found.Errors) > 0 || found.Namespace != "file" {
				return api.OnResolveResult{}, nil
			}
			if c.whole {
				return api.OnResolveResult{Errors: []api.Message{{Text: args.Path + " is a module of its own, and this script is one module: " +
					"only a site's _worker.js or _worker.ts takes WebAssembly and .bin"}}}, nil
			}
			content, err := os.ReadFile(found.Path)
			if err != nil {
				return api.OnResolveResult{}, err
			}
			hash := sha1.Sum(content)
			name = "./" + hex.EncodeToString(hash[:]) + "-" + path.Base(filepath.ToSlash(name))
			c.mu.Lock()
			c.modules[name] = content
			c.mu.Unlock()
			return api.OnResolveResult{Path: name, External: true}, nil
		})
	}}
}

// keepPlugin leaves imports of the kept files to the runtime. The keys of kept are absolute
// paths, its values what the main module imports instead.
//
// https://github.com/cloudflare/workers-sdk/blob/f8308360/packages/wrangler/src/pages/functions/buildWorker.ts (external-fixer)
func keepPlugin(kept map[string]string) api.Plugin {
	return api.Plugin{Name: "kept", Setup: func(b api.PluginBuild) {
		b.OnResolve(api.OnResolveOptions{Filter: ".*"}, func(args api.OnResolveArgs) (api.OnResolveResult, error) {
			name, found := kept[filepath.Join(args.ResolveDir, strings.TrimSuffix(args.Path, "?module"))]
			if !found || args.Kind == api.ResolveEntryPoint {
				return api.OnResolveResult{}, nil
			}
			return api.OnResolveResult{Path: name, External: true}, nil
		})
	}}
}
