package pages

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
)

// functionsConfig is a file of the form. The dashboard shows it.
const functionsConfig = "functions-filepath-routing-config.json"

// compiled is what wrangler makes of a folder of file routes.
type compiled struct {
	folder   string            // temporary, without symbolic links
	files    map[string][]byte // of the form, by name
	metafile metafile
}

// site returns the folder of what is served in addition to the site.
func (c *compiled) site() string { return filepath.Join(c.folder, "site") }

// remove removes the temporary folder.
func (c *compiled) remove() {
	if c != nil {
		_ = os.RemoveAll(c.folder)
	}
}

// exitNoRoutes is the exit code of `wrangler pages functions build` for a folder without
// routes. errNoRoutes is what it means.
// https://github.com/cloudflare/workers-sdk/blob/main/packages/wrangler/src/pages/errors.ts
const exitNoRoutes = 156

var errNoRoutes = errors.New("no file in it, but for links, exports onRequest or the like (https://developers.cloudflare.com/pages/functions/routing/)")

// notRun is the error if wrangler did not run.
type notRun struct {
	error
	why error
}

// compileFunctions compiles a folder of file routes with the wrangler that is installed in the
// project. Nothing is written to the site: what wrangler adds goes to a temporary folder, which
// the caller removes.
// https://developers.cloudflare.com/workers/wrangler/commands/pages/#pages-functions-build
func compileFunctions(ctx context.Context, folder string, f Folder) (_ *compiled, err error) {
	out, err := os.MkdirTemp("", "functions-")
	if err != nil {
		return nil, err
	}
	c := &compiled{folder: out, files: map[string][]byte{}}
	defer func() {
		if err != nil {
			c.remove()
		}
	}()
	if c.folder, err = filepath.EvalSymlinks(out); err != nil {
		return nil, err
	}
	if err := os.Mkdir(c.site(), 0o700); err != nil {
		return nil, err
	}
	project := filepath.Dir(folder)
	const metaFile, sessionFile = "metafile.json", "session.ndjson"
	args := []string{
		"--no-install", "wrangler", "pages", "functions", "build", filepath.Base(folder),
		"--build-output-directory", c.site(),
		"--outfile", filepath.Join(out, workerFile),
		"--output-routes-path", filepath.Join(out, routesFile),
		"--output-config-path", filepath.Join(out, functionsConfig),
		"--metafile", filepath.Join(out, metaFile), // since wrangler 4.15
	}
	if f.Runtime.Date != "" {
		args = append(args, "--compatibility-date", f.Runtime.Date)
	}
	for _, flag := range f.Runtime.Flags {
		args = append(args, "--compatibility-flags", flag)
	}
	cmd := exec.CommandContext(ctx, "npx", args...)
	cmd.Dir = project
	session := filepath.Join(out, sessionFile)
	cmd.Env = append(wranglerEnvironment(f.FunctionsEnv), "WRANGLER_OUTPUT_FILE_PATH="+session)
	said, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit) && exit.ExitCode() == exitNoRoutes:
		return nil, fmt.Errorf("%s: %w", folder, errNoRoutes)
	case err != nil:
		why := fmt.Errorf("%w: %s", err, withoutValues(string(lastLines(said)), f.FunctionsEnv))
		err = fmt.Errorf("compiling %s with wrangler: %w: correct it, or install wrangler in %s (npm install --save-dev wrangler), or write a _worker.ts",
			folder, why, project)
		if started(session) {
			return nil, err
		}
		return nil, &notRun{err, why}
	}
	for _, name := range []string{workerFile, routesFile, functionsConfig} {
		content, err := os.ReadFile(filepath.Join(out, name))
		switch {
		case err == nil:
			c.files[name] = content
		case !errors.Is(err, fs.ErrNotExist):
			return nil, err
		}
	}
	text, err := os.ReadFile(filepath.Join(out, metaFile))
	if err == nil {
		err = json.Unmarshal(text, &c.metafile)
	}
	if err != nil {
		return nil, fmt.Errorf("reading wrangler's metafile of %s: %w", folder, err)
	}
	return c, c.namePlugins()
}

// started reports whether wrangler began its work, which it records in a file.
// https://developers.cloudflare.com/workers/wrangler/system-environment-variables/ (WRANGLER_OUTPUT_FILE_PATH)
func started(session string) bool {
	info, err := os.Stat(session)
	return err == nil && info.Size() > 0
}

// lastLines returns the end of what a program said.
func lastLines(said []byte) []byte {
	const most = 2000
	said = bytes.TrimSpace(said)
	return said[max(0, len(said)-most):]
}
