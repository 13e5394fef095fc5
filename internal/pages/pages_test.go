package pages

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// ask is a request to a site.
type ask struct {
	Method  string            `json:"method"`
	Path    string            `json:"path"`
	Headers map[string]string `json:"headers,omitempty"`
	Body    string            `json:"body,omitempty"`
	// want are parts of the answer. The first one begins it.
	want []string
}

// get is the request of a browser for a page.
func get(path string, want ...string) ask {
	return ask{Method: "GET", Path: path, want: want, Headers: map[string]string{"Accept": "text/html", "Accept-Language": "de-AT"}}
}

// post is the request of a browser that sends a form.
func post(path string, want ...string) ask {
	return ask{Method: "POST", Path: path, want: want, Body: "text=hi+there", Headers: map[string]string{
		"Accept": "text/html", "Content-Type": "application/x-www-form-urlencoded", "Origin": "https://site.pages.dev",
	}}
}

// pagesSite is a deployment on the disk.
type pagesSite struct {
	Folder  string           `json:"folder"` // with the folders assets and modules
	Modules []map[string]any `json:"modules,omitempty"`
	Routes  json.RawMessage  `json:"routes,omitempty"`
}

// miniflareTypes are Miniflare's names for the kinds of modules.
var miniflareTypes = map[string]string{
	esModule: "ESModule", "text/plain": "Text", "application/octet-stream": "Data", "application/wasm": "CompiledWasm",
}

// toDisk writes the last deployment.
func (a *api) toDisk(t *testing.T) pagesSite {
	t.Helper()
	s := pagesSite{Folder: t.TempDir()}
	form, all := a.form(), files{}
	for path, key := range manifestOf(t, form) {
		all["assets"+path] = a.assets[key].Content
	}
	for _, name := range settingsFiles {
		switch p, ok := form[name]; {
		case ok && name == routesFile:
			s.Routes = json.RawMessage(p.Content)
		case ok:
			all["assets/"+name] = p.Content
		}
	}
	all.write(t, s.Folder)
	if form[workerFile].Content == "" {
		return s
	}
	main, modules := mainOf(t, form[workerFile].Content), files{}
	for _, m := range parts(t, []byte(form[workerFile].Content)) {
		if m.Field == "metadata" {
			continue
		}
		modules["modules/"+m.Field] = m.Content
		module := map[string]any{"type": miniflareTypes[m.Type], "path": filepath.Join(s.Folder, "modules", m.Field)}
		if m.Field == main {
			s.Modules = append([]map[string]any{module}, s.Modules...) // the first one is the main module
		} else {
			s.Modules = append(s.Modules, module)
		}
	}
	modules.write(t, s.Folder)
	return s
}

// answers returns what each of the sites answers on Pages: status, headers and body, as in
// HTTP. Their binding API_SERVICE is a Worker of the given script.
func answers(t *testing.T, sites []pagesSite, asks []ask, api string, flags []string) (all [][]string) {
	t.Helper()
	modules, err := filepath.Abs(npmFolder)
	if err != nil {
		t.Fatal(err)
	}
	input, err := json.Marshal(map[string]any{"sites": sites, "asks": asks, "api": api, "date": projectDate, "flags": flags})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), filepath.Join(modules, "node/bin/node"), "testdata/answers.mjs", modules)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "WRANGLER_SEND_METRICS=false"}
	cmd.Stdin = bytes.NewReader(input)
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err == nil {
		err = json.Unmarshal(out, &all)
	}
	if err != nil {
		t.Fatalf("%v: %s", err, said.String())
	}
	return all
}
