package cloudflare

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// blobs holds contents by key: in memory or, if dir is set, in one file each. They are not
// part of the state, which is copied and written as a whole for each write.
type blobs struct {
	dir    string
	memory map[string][]byte
}

// newBlobs returns the contents that belong to the state in file.
func newBlobs(file string) *blobs {
	if file == "" {
		return &blobs{memory: map[string][]byte{}}
	}
	return &blobs{dir: strings.TrimSuffix(file, filepath.Ext(file)) + "-files"}
}

func (b *blobs) has(key string) bool {
	if b.dir == "" {
		return b.memory[key] != nil
	}
	_, err := os.Stat(filepath.Join(b.dir, key))
	return err == nil
}

// put stores a content as a whole or not at all.
func (b *blobs) put(key string, content []byte) error {
	if b.dir == "" {
		// A nil slice would mean no content.
		b.memory[key] = append([]byte{}, content...)
		return nil
	}
	if err := os.MkdirAll(b.dir, 0o700); err != nil {
		return err
	}
	// emulator.WriteFile would wait for the disk, which takes half a minute for the
	// files of a large site.
	f, err := os.CreateTemp(b.dir, ".new-*")
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(b.dir, key))
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// add stores a content under its hash.
func (b *blobs) add(content []byte) (key string, err error) {
	sum := sha256.Sum256(content)
	key = hex.EncodeToString(sum[:])
	return key, b.put(key, content)
}

func (b *blobs) open(key string) (io.ReadCloser, error) {
	if b.dir != "" {
		return os.Open(filepath.Join(b.dir, key))
	}
	content, ok := b.memory[key]
	if !ok {
		return nil, fmt.Errorf("%s: %w", key, fs.ErrNotExist)
	}
	return io.NopCloser(bytes.NewReader(content)), nil
}

func (b *blobs) read(key string) ([]byte, error) {
	r, err := b.open(key)
	if err != nil {
		return nil, err
	}
	content, err := io.ReadAll(r)
	return content, errors.Join(err, r.Close())
}

// readAll reads the contents of these keys, and returns them under the same names.
func (b *blobs) readAll(keys map[string]string) (map[string][]byte, error) {
	all := map[string][]byte{}
	for _, name := range slices.Sorted(maps.Keys(keys)) {
		content, err := b.read(keys[name])
		if err != nil {
			return nil, err
		}
		all[name] = content
	}
	return all, nil
}
