package pages

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"mime/multipart"
	"os"
	"path"
	"path/filepath"

	"portfolio-infra/internal/bundle"
)

// module is one of the modules of a site's Worker.
type module struct {
	name, contentType string
	content           []byte
}

const esModule = "application/javascript+module"

// moduleTypes are the content types of modules, by extension.
// https://developers.cloudflare.com/workers/wrangler/bundling/#including-non-javascript-modules
var moduleTypes = map[string]string{
	".js": esModule, ".mjs": esModule,
	".wasm": "application/wasm",
	".bin":  "application/octet-stream",
	".txt":  "text/plain", ".html": "text/plain", ".sql": "text/plain",
}

// readWorker returns the modules of a site's Worker, the main module first, and what will fail
// in it. It bundles _worker.js or _worker.ts into one module; imported .wasm and .bin files
// stay modules of their own. A folder _worker.js has its own modules.
// https://developers.cloudflare.com/pages/functions/advanced-mode/
func readWorker(folder string, runtime bundle.Runtime) (all []module, warnings []string, err error) {
	var found []string
	for _, name := range []string{"_worker.js", "_worker.ts"} {
		if _, err := os.Stat(filepath.Join(folder, name)); err == nil {
			found = append(found, name)
		} else if !errors.Is(err, fs.ErrNotExist) {
			return nil, nil, err
		}
	}
	switch {
	case len(found) == 0:
		return nil, nil, nil
	case len(found) > 1:
		return nil, nil, errors.New("it has both _worker.js and _worker.ts: remove one of them")
	}
	if info, err := os.Stat(filepath.Join(folder, found[0])); err != nil {
		return nil, nil, err
	} else if info.IsDir() {
		return readModules(folder, found[0], runtime)
	}
	built, err := bundle.Build(folder, found[0], bundle.Options{Runtime: runtime, Modules: true})
	if err != nil {
		return nil, nil, err
	}
	all = []module{{"_worker.js", esModule, built.Code}}
	return append(all, others(built)...), built.Warnings, nil
}

// others returns the modules of a bundle except the main one.
func others(built bundle.Result) (all []module) {
	for _, m := range built.Modules {
		all = append(all, module{m.Name, moduleTypes[path.Ext(m.Name)], m.Content})
	}
	return all
}

// readModules reads a site's folder of modules. The main module is bundled with what it imports
// from elsewhere, such as packages. The others stay as they are, since it may import them by
// names that are known only at run time.
// https://github.com/cloudflare/workers-sdk/blob/f8308360/packages/wrangler/src/pages/functions/buildWorker.ts (produceWorkerBundleForWorkerJSDirectory)
func readModules(site, folder string, runtime bundle.Runtime) (all []module, warnings []string, err error) {
	const mainModule = "index.js"
	root, err := filepath.EvalSymlinks(filepath.Join(site, folder)) // WalkDir does not follow a link
	if err != nil {
		return nil, nil, err
	}
	main := module{name: mainModule, contentType: esModule}
	kept := map[string]string{}
	err = filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		contentType, ok := moduleTypes[filepath.Ext(file)]
		if !ok {
			return nil // as wrangler does
		}
		name, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		content, err := os.ReadFile(file)
		if name == mainModule {
			main.content = content
			return err
		}
		m := module{filepath.ToSlash(name), contentType, content}
		kept[file] = "./" + m.name
		all = append(all, m)
		return err
	})
	switch {
	case err != nil:
		return nil, nil, err
	case main.content == nil:
		return nil, nil, fmt.Errorf("the folder _worker.js has no %s", mainModule)
	}
	built, err := bundle.Build(site, filepath.Join(folder, mainModule), bundle.Options{Runtime: runtime, Modules: true, Kept: kept})
	if err != nil {
		return nil, nil, err
	}
	if !built.Plain {
		main.content = built.Code
	}
	all = append([]module{main}, all...)
	return append(all, others(built)...), built.Warnings, nil
}

// workerFile is the file in the form that has the modules.
const workerFile = "_worker.bundle"

// maxWorker is the size of the largest [workerFile], in bytes. Assumed.
const maxWorker = 25 << 20

// workerBundle returns the content of [workerFile]: a form with the metadata and the
// modules. Its boundary comes from the digest, so that it is the same each time.
// https://github.com/cloudflare/workers-sdk/blob/main/packages/wrangler/src/api/pages/create-worker-bundle-contents.ts
func workerBundle(modules []module, digest string) ([]byte, error) {
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	if err := form.SetBoundary("worker-" + digest); err != nil {
		return nil, err
	}
	metadata, err := json.Marshal(map[string]string{"main_module": modules[0].name})
	if err != nil {
		return nil, err
	}
	if err := form.WriteField("metadata", string(metadata)); err != nil {
		return nil, err
	}
	for _, m := range modules {
		if err := writePart(form, m.name, m.contentType, m.content); err != nil {
			return nil, err
		}
	}
	if err := form.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
