package deployment

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"mime/multipart"
	"os"
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

// readWorker returns the modules of a site's Worker, the main module first: _worker.js or
// _worker.ts bundled into one, or those of a folder _worker.js as they are.
// https://developers.cloudflare.com/pages/functions/advanced-mode/
func readWorker(folder string, node bool) ([]module, error) {
	var found []string
	for _, name := range []string{"_worker.js", "_worker.ts"} {
		if _, err := os.Stat(filepath.Join(folder, name)); err == nil {
			found = append(found, name)
		} else if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	switch {
	case len(found) == 0:
		return nil, nil
	case len(found) > 1:
		return nil, errors.New("it has both _worker.js and _worker.ts: remove one of them")
	}
	if info, err := os.Stat(filepath.Join(folder, found[0])); err != nil {
		return nil, err
	} else if info.IsDir() {
		return readModules(filepath.Join(folder, found[0]))
	}
	content, err := bundle.Build(folder, found[0], bundle.Options{Node: node})
	if err != nil {
		return nil, err
	}
	return []module{{"_worker.js", esModule, content}}, nil
}

// readModules reads a folder of modules.
func readModules(folder string) ([]module, error) {
	const mainModule = "index.js"
	var main, others []module
	root, err := filepath.EvalSymlinks(folder) // WalkDir does not follow a link
	if err != nil {
		return nil, err
	}
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
		m := module{filepath.ToSlash(name), contentType, content}
		if m.name == mainModule {
			main = append(main, m)
		} else {
			others = append(others, m)
		}
		return err
	})
	if err == nil && main == nil {
		err = fmt.Errorf("the folder _worker.js has no %s", mainModule)
	}
	return append(main, others...), err
}

// workerFile is the file of the form that has the modules.
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
