// How the files of the copy get into their place.

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	// outputDir lies in the root of the main module. The go command passes over it, because of its dot.
	outputDir = ".slim"
	// scratchPrefix begins the names of folders in outputDir that a run works in.
	scratchPrefix = ".new-"
	// scratchLife is after how long such a folder is taken for one that a killed run left.
	scratchLife = time.Hour
)

// writeCopy makes the output folder hold the files and nothing else. The stamp goes first and comes last.
func writeCopy(root string, s *stamp, files map[string][]byte) error {
	out := filepath.Join(root, outputDir)
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	scratch, err := newScratch(out)
	if err != nil {
		return err
	}
	return errors.Join(replaceFiles(out, scratch, s, files), os.RemoveAll(scratch))
}

// newScratch makes a folder for a run to write to, and removes those of runs that were killed.
func newScratch(out string) (string, error) {
	entries, err := os.ReadDir(out)
	if err != nil {
		return "", err
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if err == nil && strings.HasPrefix(entry.Name(), scratchPrefix) && time.Since(info.ModTime()) > scratchLife {
			if err := os.RemoveAll(filepath.Join(out, entry.Name())); err != nil {
				return "", err
			}
		}
	}
	return os.MkdirTemp(out, scratchPrefix)
}

// replaceFiles writes the changed files to the scratch folder and then moves them all into their place.
func replaceFiles(out, scratch string, s *stamp, files map[string][]byte) error {
	type move struct{ from, to string }
	var moves []move
	for i, name := range slices.Sorted(maps.Keys(files)) {
		to := filepath.Join(out, filepath.FromSlash(name))
		if old, err := os.ReadFile(to); err == nil && bytes.Equal(old, files[name]) {
			continue
		}
		from := filepath.Join(scratch, fmt.Sprint(i))
		if err := os.WriteFile(from, files[name], 0o644); err != nil {
			return err
		}
		moves = append(moves, move{from, to})
	}
	content, err := json.MarshalIndent(s, "", "\t")
	if err != nil {
		return err
	}
	newStamp := filepath.Join(scratch, stampFile)
	if err := os.WriteFile(newStamp, append(content, '\n'), 0o644); err != nil {
		return err
	}

	if err := os.RemoveAll(filepath.Join(out, stampFile)); err != nil {
		return err
	}
	if err := removeOthers(out, files); err != nil {
		return err
	}
	for _, m := range moves {
		if err := os.MkdirAll(filepath.Dir(m.to), 0o755); err != nil {
			return err
		}
		if err := os.Rename(m.from, m.to); err != nil {
			return err
		}
	}
	return os.Rename(newStamp, filepath.Join(out, stampFile))
}

// removeOthers removes from the output folder what does not belong to the copy.
func removeOthers(out string, files map[string][]byte) error {
	folders := make(map[string]bool)
	for name := range files {
		for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
			folders[dir] = true
		}
	}
	return walkCopy(out, func(name string, entry fs.DirEntry) error {
		_, wanted := files[name]
		if entry.IsDir() && folders[name] || entry.Type().IsRegular() && wanted {
			return nil
		}
		if err := os.RemoveAll(filepath.Join(out, filepath.FromSlash(name))); err != nil {
			return err
		}
		if entry.IsDir() {
			return filepath.SkipDir
		}
		return nil
	})
}

// writeIfChanged gives a file in root the content, and tells whether it had another or none.
func writeIfChanged(root, name string, content []byte) (bool, error) {
	file := filepath.Join(root, name)
	if old, err := os.ReadFile(file); err == nil && bytes.Equal(old, content) {
		return false, nil
	}
	scratch, err := newScratch(filepath.Join(root, outputDir))
	if err != nil {
		return false, err
	}
	from := filepath.Join(scratch, name)
	if err = os.WriteFile(from, content, 0o644); err == nil {
		err = os.Rename(from, file)
	}
	return err == nil, errors.Join(err, os.RemoveAll(scratch))
}
