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
	"regexp"

	"lukechampine.com/blake3"
)

// functionsFolder returns the folder of file routes that belongs to a site, with a digest
// of its files, or "". As with wrangler it lies beside the site, not in it. What the files
// import from elsewhere is not part of the digest.
// https://developers.cloudflare.com/pages/functions/get-started/
func functionsFolder(site string) (folder, digest string, err error) {
	folder = filepath.Join(filepath.Dir(filepath.Clean(site)), "functions")
	hash := blake3.New(16, nil)
	root, err := filepath.EvalSymlinks(folder) // WalkDir does not follow a link
	if errors.Is(err, fs.ErrNotExist) {
		return "", "", nil
	}
	if err != nil {
		return "", "", err
	}
	err = filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && entry.Name() == "node_modules":
			return fs.SkipDir
		case entry.IsDir():
			return nil
		}
		content, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, file)
		fmt.Fprintf(hash, "%q %q\n", filepath.ToSlash(name), content)
		return err
	})
	if err != nil {
		return "", "", err
	}
	return folder, hex.EncodeToString(hash.Sum(nil)), nil
}

// functionsConfig is a file of the form. The dashboard shows it.
const functionsConfig = "functions-filepath-routing-config.json"

// exitNoRoutes is the exit code of `wrangler pages functions build` for a folder without
// routes.
// https://github.com/cloudflare/workers-sdk/blob/main/packages/wrangler/src/pages/errors.ts
const exitNoRoutes = 156

// compileFunctions compiles a folder of file routes by the wrangler that the project has
// installed, and returns files of the form by name. Without a route there are none.
// https://developers.cloudflare.com/workers/wrangler/commands/pages/#pages-functions-build
func compileFunctions(ctx context.Context, folder, site, date string, flags []string) (map[string][]byte, error) {
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
	args := []string{
		"--no-install", "wrangler", "pages", "functions", "build", filepath.Base(folder),
		"--build-output-directory", site,
		"--outfile", filepath.Join(out, workerFile),
		"--output-routes-path", filepath.Join(out, routesFile),
		"--output-config-path", filepath.Join(out, functionsConfig),
	}
	if date != "" {
		args = append(args, "--compatibility-date", date)
	}
	for _, flag := range flags {
		args = append(args, "--compatibility-flags", flag)
	}
	cmd := exec.CommandContext(ctx, "npx", args...)
	cmd.Dir = project
	cmd.Env = append(withoutSecrets(os.Environ()), "WRANGLER_SEND_METRICS=false", "NO_COLOR=1")
	said, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit) && exit.ExitCode() == exitNoRoutes:
		return map[string][]byte{}, nil
	case err != nil:
		return nil, fmt.Errorf("config key site: compiling %s with wrangler: %w: %s: correct it, or install wrangler in %s (npm install --save-dev wrangler), or write a _worker.ts",
			folder, err, lastLines(said), project)
	}
	files := map[string][]byte{}
	for _, name := range []string{workerFile, routesFile, functionsConfig} {
		content, err := os.ReadFile(filepath.Join(out, name))
		switch {
		case err == nil:
			files[name] = content
		case !errors.Is(err, fs.ErrNotExist):
			return nil, err
		}
	}
	return files, nil
}

// secretName matches names of variables that may have a secret.
var secretName = regexp.MustCompile(`^(CLOUDFLARE|TIDBCLOUD|PULUMI|DOPPLER)_|(?i)TOKEN|SECRET|PASSWORD|PASSPHRASE|CREDENTIAL|KEY|DATABASE_URL`)

// withoutSecrets returns the environment without what a build must not see: it runs code
// of packages.
func withoutSecrets(environment []string) (kept []string) {
	for _, variable := range environment {
		if name, _, _ := bytes.Cut([]byte(variable), []byte("=")); !secretName.Match(name) {
			kept = append(kept, variable)
		}
	}
	return kept
}

// lastLines returns the end of what a program said.
func lastLines(said []byte) []byte {
	const most = 2000
	said = bytes.TrimSpace(said)
	return said[max(0, len(said)-most):]
}
