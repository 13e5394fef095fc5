package pages

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"lukechampine.com/blake3"
)

// pluginsFolder is where a site has the folders that functions import with the prefix assets:,
// as Pages plugins do.
// https://github.com/cloudflare/workers-sdk/blob/f8308360/packages/wrangler/src/pages/functions/buildWorker.ts (assetsPlugin)
const pluginsFolder = "cdn-cgi/pages-plugins"

// namePlugins names these folders by their content. wrangler gives each a random name, by which
// the compiled code finds it. With such names no two runs would make the same site.
func (c *compiled) namePlugins() error {
	parent := filepath.Join(c.site(), filepath.FromSlash(pluginsFolder))
	folders, err := os.ReadDir(parent)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, folder := range folders {
		random := filepath.Join(parent, folder.Name())
		name, err := hashFolder(random)
		if err != nil {
			return err
		}
		c.files[workerFile] = bytes.ReplaceAll(c.files[workerFile], []byte(folder.Name()), []byte(name))
		err = os.Rename(random, filepath.Join(parent, name))
		if errors.Is(err, fs.ErrExist) { // another one has the same content
			err = os.RemoveAll(random)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// hashFolder hashes the names and the content of a folder's files.
func hashFolder(folder string) (string, error) {
	hash := blake3.New(16, nil)
	err := filepath.WalkDir(folder, func(file string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		name, err := filepath.Rel(folder, file)
		if err != nil {
			return err
		}
		f, err := os.Open(file)
		if err != nil {
			return err
		}
		defer func() { _ = f.Close() }()
		content := blake3.New(16, nil)
		_, err = io.Copy(content, f)
		fmt.Fprintf(hash, "%q %x\n", filepath.ToSlash(name), content.Sum(nil))
		return err
	})
	return hex.EncodeToString(hash.Sum(nil)), err
}
