package deployment

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"lukechampine.com/blake3"
)

// functionsFolder returns the folder of file routes that belongs to a site, with a digest
// of its files, or "". As with wrangler it lies beside the site and not in it, and a
// _worker.js takes its place.
// https://developers.cloudflare.com/pages/functions/get-started/
func functionsFolder(site string) (folder, digest string, err error) {
	folder = filepath.Join(filepath.Dir(filepath.Clean(site)), "functions")
	hash := blake3.New(16, nil)
	err = filepath.WalkDir(folder, func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.Name() == "node_modules":
			return fs.SkipDir
		case entry.IsDir():
			return nil
		}
		content, err := os.ReadFile(file)
		name, relErr := filepath.Rel(folder, file)
		fmt.Fprintf(hash, "%q %q\n", filepath.ToSlash(name), content)
		return errors.Join(err, relErr)
	})
	if errors.Is(err, fs.ErrNotExist) {
		return "", "", nil
	}
	return folder, hex.EncodeToString(hash.Sum(nil)), err
}

// compiled is what wrangler makes of a folder of file routes, by the names of the
// deployment's form.
type compiled map[string][]byte

// compileFunctions runs the wrangler that the project has installed. It gets no
// credentials.
// https://developers.cloudflare.com/workers/wrangler/commands/pages/#pages-functions-build
func compileFunctions(ctx context.Context, folder, site string, flags []string) (compiled, error) {
	project := filepath.Dir(folder)
	site, err := filepath.Rel(project, site)
	if err != nil {
		return nil, err
	}
	out, err := os.MkdirTemp("", "functions-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(out) }()
	files := map[string]string{
		"_worker.bundle":                         "--outfile",
		"_routes.json":                           "--output-routes-path",
		"functions-filepath-routing-config.json": "--output-config-path",
	}
	args := []string{"--no-install", "wrangler", "pages", "functions", "build", filepath.Base(folder), "--build-output-directory", site}
	for name, flag := range files {
		args = append(args, flag, filepath.Join(out, name))
	}
	for _, flag := range flags {
		args = append(args, "--compatibility-flags", flag)
	}
	cmd := exec.CommandContext(ctx, "npx", args...)
	cmd.Dir = project
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "CLOUDFLARE_") {
			cmd.Env = append(cmd.Env, variable)
		}
	}
	cmd.Env = append(cmd.Env, "WRANGLER_SEND_METRICS=false")
	said, err := cmd.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("compiling %s by wrangler: %w: %s\ninstall it in %s (npm install --save-dev wrangler), or write a _worker.ts",
			folder, err, bytes.TrimSpace(said), project)
	}
	c := compiled{}
	for name := range files {
		content, err := os.ReadFile(filepath.Join(out, name))
		if err == nil {
			c[name] = content
		} else if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	return c, nil
}
