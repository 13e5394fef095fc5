package bundle

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

// Runtime is Cloudflare's runtime as a compatibility date, such as 2026-01-31, and
// compatibility flags set it.
type Runtime struct {
	Date  string
	Flags []string
}

// From nodeDate on the runtime has Node's modules. From nodeV2Date on nodejs_compat also gives
// the globals, and the names without the prefix node:.
// https://github.com/cloudflare/workerd/blob/6552d999/src/workerd/io/compatibility-date.capnp (nodeJsCompat, nodeJsCompatV2)
// https://github.com/cloudflare/workers-sdk/blob/f8308360/packages/workers-utils/src/compatibility-date.ts (resolveNodejsCompat)
const (
	nodeDate   = "2026-08-04"
	nodeV2Date = "2024-09-23"
)

func (r Runtime) has(flag string) bool { return slices.Contains(r.Flags, flag) }

// node reports whether the runtime has Node's modules.
func (r Runtime) node() bool {
	return r.has("nodejs_compat") || r.Date >= nodeDate && !r.has("no_nodejs_compat") || r.nodeV2()
}

// nodeV2 reports whether the runtime knows them by their bare names too.
func (r Runtime) nodeV2() bool {
	return r.has("nodejs_compat_v2") || !r.has("no_nodejs_compat_v2") &&
		(r.Date >= nodeDate || r.Date >= nodeV2Date && r.has("nodejs_compat"))
}

// navigator reports whether the runtime has the global of that name.
// https://github.com/cloudflare/workers-sdk/blob/f8308360/packages/wrangler/src/navigator-user-agent.ts
func (r Runtime) navigator() bool {
	return r.has("global_navigator") || r.Date >= "2022-03-21" && !r.has("no_global_navigator")
}

// feature is what a module of Node needs beside nodejs_compat: a date or the flag
// enable_nodejs_NAME, and not the flag disable_nodejs_NAME. Without a name it needs nothing.
type feature struct{ name, date string }

// nodeFeatures has all of Node's modules that the runtime may have.
//
// https://github.com/cloudflare/workerd/blob/6552d999/src/workerd/api/node/node.h (registerNodeJsCompatModules)
// https://github.com/cloudflare/workerd/blob/6552d999/src/workerd/jsg/util.c++ (NODEJS_BUILTINS)
// @cloudflare/unenv-preset@2.16.2, dist/index.mjs (getCloudflarePreset), with which a test compares
var nodeFeatures = map[string]feature{}

func init() {
	for f, modules := range map[feature]string{
		{}: "_stream_duplex _stream_passthrough _stream_readable _stream_transform _stream_writable _tls_common _tls_wrap " +
			"assert assert/strict async_hooks buffer constants crypto diagnostics_channel dns dns/promises events module net " +
			"path path/posix path/win32 process querystring stream stream/consumers stream/promises stream/web string_decoder sys " +
			"timers timers/promises tls url util util/types zlib",
		{"http_modules", "2025-08-15"}:          "_http_agent _http_client _http_common _http_incoming _http_outgoing http https",
		{"http_server_modules", "2025-09-01"}:   "_http_server",
		{"http2_module", "2025-09-01"}:          "http2",
		{"os_module", "2025-09-15"}:             "os",
		{"fs_module", "2025-09-15"}:             "fs fs/promises",
		{"console_module", "2025-09-21"}:        "console",
		{"vm_module", "2025-10-01"}:             "vm",
		{"punycode_module", "2025-12-04"}:       "punycode",
		{"cluster_module", "2025-12-04"}:        "cluster",
		{"trace_events_module", "2025-12-04"}:   "trace_events",
		{"domain_module", "2025-12-04"}:         "domain",
		{"wasi_module", "2025-12-04"}:           "wasi",
		{"inspector_module", "2026-01-29"}:      "inspector inspector/promises",
		{"sqlite_module", "2026-01-29"}:         "sqlite",
		{"dgram_module", "2026-01-29"}:          "dgram",
		{"stream_wrap_module", "2026-01-29"}:    "_stream_wrap",
		{"repl_module", "2026-03-17"}:           "repl",
		{"v8_module", "2026-03-17"}:             "v8",
		{"tty_module", "2026-03-17"}:            "tty",
		{"child_process_module", "2026-03-17"}:  "child_process",
		{"worker_threads_module", "2026-03-17"}: "worker_threads",
		{"readline_module", "2026-03-17"}:       "readline readline/promises",
		{"perf_hooks_module", "2026-03-17"}:     "perf_hooks",
	} {
		for _, module := range strings.Fields(modules) {
			nodeFeatures[module] = f
		}
	}
}

// lacks says what would give the runtime a module of Node, or returns "" if it has the module.
func (r Runtime) lacks(module string) string {
	f, known := nodeFeatures[module]
	switch {
	case !known:
		return "Cloudflare's runtime does not have it"
	case module == "async_hooks" && r.has("nodejs_als"):
		return ""
	case f.name != "" && r.has("disable_nodejs_"+f.name):
		return "remove disable_nodejs_" + f.name + " from the config key compatibilityFlags"
	}
	var wanted []string
	if !r.node() {
		wanted = append(wanted, "add nodejs_compat to the config key compatibilityFlags")
	}
	if r.Date < f.date && !r.has("enable_nodejs_"+f.name) {
		wanted = append(wanted, fmt.Sprintf("set compatibilityDate to %s or later, or add enable_nodejs_%s to compatibilityFlags", f.date, f.name))
	}
	if module == "_http_server" && len(wanted) == 0 {
		return r.lacks("http")
	}
	return strings.Join(wanted, ", and ")
}

// Namespaces of the modules that replace a require of a module of Node, since the runtime has
// no require. requiredNode is wrangler's name too, and part of the output.
const (
	requiredNode = "node-built-in-modules"
	missingNode  = "missing-node-modules"
)

// nodePlugin leaves Node's modules to the runtime, in every spelling, even those that it lacks.
// Only those in refused become errors of esbuild, which tells a require that may fail, in a
// try, from one that may not.
//
// https://github.com/cloudflare/workers-sdk/blob/f8308360/packages/wrangler/src/deployment-bundle/esbuild-plugins/hybrid-nodejs-compat.ts
// https://github.com/cloudflare/workers-sdk/blob/f8308360/packages/wrangler/src/deployment-bundle/esbuild-plugins/nodejs-compat.ts
func (r Runtime) nodePlugin(refused map[string]bool) api.Plugin {
	var names []string
	for name := range nodeFeatures {
		names = append(names, regexp.QuoteMeta(name))
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	resolve := func(b api.PluginBuild, args api.OnResolveArgs) api.OnResolveResult {
		name, prefixed := strings.CutPrefix(args.Path, "node:")
		if _, known := nodeFeatures[name]; !known || args.PluginData == resolving {
			return api.OnResolveResult{}
		}
		lacks := r.lacks(name) != ""
		if !prefixed && (lacks || !r.nodeV2()) && resolvable(b, args, args.Path) {
			return api.OnResolveResult{} // a package of that name
		}
		path := args.Path
		if !r.nodeV2() {
			path = "node:" + name
		}
		require := args.Kind == api.ResolveJSRequireCall
		switch {
		case lacks && refused[name] && args.Kind != api.ResolveJSDynamicImport:
			return api.OnResolveResult{}
		case lacks && require:
			return api.OnResolveResult{Path: "node:" + name, Namespace: missingNode}
		case require:
			return api.OnResolveResult{Path: path, Namespace: requiredNode}
		}
		return api.OnResolveResult{Path: path, External: true}
	}
	return api.Plugin{Name: "node", Setup: func(b api.PluginBuild) {
		b.OnResolve(api.OnResolveOptions{Filter: "^(node:)?(" + strings.Join(names, "|") + ")$"}, func(args api.OnResolveArgs) (api.OnResolveResult, error) {
			return resolve(b, args), nil
		})
		b.OnLoad(api.OnLoadOptions{Filter: ".*", Namespace: requiredNode}, func(args api.OnLoadArgs) (api.OnLoadResult, error) {
			text := fmt.Sprintf("import libDefault from '%s';\nmodule.exports = libDefault;", args.Path)
			return api.OnLoadResult{Contents: &text, Loader: api.LoaderJS}, nil
		})
		b.OnLoad(api.OnLoadOptions{Filter: ".*", Namespace: missingNode}, func(args api.OnLoadArgs) (api.OnLoadResult, error) {
			text := fmt.Sprintf("throw new Error(%q);", "No such module: "+args.Path)
			return api.OnLoadResult{Contents: &text, Loader: api.LoaderJS}, nil
		})
	}}
}
