// How a run knows that there is nothing to do.

package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
)

// formatVersion goes up with every change to this command that changes what it writes.
const formatVersion = 1

// stampFile lies in outputDir.
const stampFile = "slim.json"

// stamp says from what a copy was made and what it consists of.
type stamp struct {
	Input   input             `json:"input"`
	Emptied []string          `json:"emptied"` // see emptiedModules
	Files   map[string]string `json:"files"`   // SHA-256 by path below outputDir
}

// input is all that a copy depends on.
type input struct {
	Format   int            `json:"format"`
	GoMod    string         `json:"goMod"` // digest of the main module's go.mod
	Packages []inputPackage `json:"packages"`
	Imports  []string       `json:"imports"` // other packages of the SDKs that the program imports
}

// inputPackage is a package to cut and what the program uses of it.
type inputPackage struct {
	Path    string   `json:"path"`
	Module  string   `json:"module"`
	Version string   `json:"version"`
	Digest  string   `json:"digest,omitempty"` // of the source, where a version does not pin it
	Names   []string `json:"names"`
}

func newInput(prog *program, s *sdks, used *usage) (input, error) {
	in := input{Format: formatVersion, GoMod: prog.digest, Imports: slices.Sorted(maps.Keys(used.whole))}
	digests := make(map[*module]string)
	for _, t := range s.targets {
		if t.module.local && digests[t.module] == "" {
			digest, err := digestOf(t.module.dir)
			if err != nil {
				return input{}, fmt.Errorf("reading %s: %w", t.module.path, err)
			}
			digests[t.module] = digest
		}
		in.Packages = append(in.Packages, inputPackage{
			Path:    t.path,
			Module:  t.module.path,
			Version: t.module.version,
			Digest:  digests[t.module],
			Names:   used.of(t),
		})
	}
	return in, nil
}

// digestOf returns a digest of all files of a module that are no hidden ones.
func digestOf(dir string) (string, error) {
	sum := sha256.New()
	err := filepath.WalkDir(dir, func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if file != dir && strings.HasPrefix(entry.Name(), ".") && entry.IsDir() {
			return filepath.SkipDir
		}
		if !entry.Type().IsRegular() {
			return nil
		}
		content, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, file)
		if err != nil {
			return err
		}
		fmt.Fprintf(sum, "%q %d\n", rel, len(content))
		sum.Write(content)
		return nil
	})
	return hex.EncodeToString(sum.Sum(nil)), err
}

// newStamp returns the stamp of a copy.
func newStamp(in input, emptied []string, files map[string][]byte) *stamp {
	s := &stamp{Input: in, Emptied: emptied, Files: make(map[string]string, len(files))}
	for name, content := range files {
		s.Files[name] = digest(content)
	}
	return s
}

func digest(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// upToDate returns the stamp of the copy in root if that was made from this input and is all there, with nothing else
// beside it, and nil otherwise.
func upToDate(root string, in input) *stamp {
	out := filepath.Join(root, outputDir)
	content, err := os.ReadFile(filepath.Join(out, stampFile))
	if err != nil {
		return nil
	}
	var s stamp
	if json.Unmarshal(content, &s) != nil || !reflect.DeepEqual(s.Input, in) {
		return nil
	}
	found := 0
	err = walkCopy(out, func(name string, entry fs.DirEntry) error {
		if entry.IsDir() || name == stampFile {
			return nil
		}
		content, err := os.ReadFile(filepath.Join(out, filepath.FromSlash(name)))
		if err != nil {
			return err
		}
		if s.Files[name] != digest(content) {
			return fmt.Errorf("%s was changed", name)
		}
		found++
		return nil
	})
	if err != nil || found != len(s.Files) {
		return nil
	}
	return &s
}

// walkCopy calls visit for everything in the output folder but the scratch folders of runs, by its path with slashes.
func walkCopy(out string, visit func(name string, entry fs.DirEntry) error) error {
	return filepath.WalkDir(out, func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if file == out {
			return nil
		}
		name, err := filepath.Rel(out, file)
		if err != nil {
			return err
		}
		if strings.HasPrefix(name, scratchPrefix) {
			if entry.IsDir() {
				return filepath.SkipDir
			}
			return nil
		}
		return visit(filepath.ToSlash(name), entry)
	})
}
