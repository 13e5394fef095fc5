package site

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"portfolio-infra/internal/sandbox/emulator/cloudflare"
)

// layOut writes the files of a deployment to a new folder, for the asset handler. It leaves
// out _routes.json and _worker.js, which Pages does not serve.
func layOut(site cloudflare.Site, open func(key string) (cloudflare.Asset, error), folder string) (err error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	for name, content := range map[string][]byte{"_headers": site.Headers, "_redirects": site.Redirects} {
		if content != nil {
			if err := root.WriteFile(name, content, 0o600); err != nil {
				return err
			}
		}
	}
	for name, key := range site.Files {
		if err := copyAsset(root, strings.TrimPrefix(name, "/"), key, open); err != nil {
			return fmt.Errorf("laying out %s: %w", name, err)
		}
	}
	return nil
}

func copyAsset(root *os.Root, name, key string, open func(key string) (cloudflare.Asset, error)) error {
	asset, err := open(key)
	if err != nil {
		return err
	}
	defer asset.Close()
	if err := root.MkdirAll(filepath.FromSlash(path.Dir(name)), 0o700); err != nil {
		return err
	}
	file, err := root.OpenFile(filepath.FromSlash(name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, asset)
	return errors.Join(err, file.Close())
}
