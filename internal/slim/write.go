package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
)

const (
	// formatVersion is raised by each change of what slim writes.
	formatVersion = 3
	// outputDir is in the root of the main module. The go command ignores it because of the dot.
	outputDir = ".slim"
	// stampFile is in outputDir.
	stampFile = "slim.json"
)

// stamp tells a later run whether the copy is up to date.
type stamp struct {
	Input string            `json:"input"` // see inputDigest
	Work  string            `json:"work"`  // the go.work that goes with the copy
	Files map[string]string `json:"files"` // digests by path below outputDir
}

// inputDigest returns a digest of everything that the copy depends on.
func inputDigest(prog *program, used usage) (string, error) {
	var b bytes.Buffer
	fmt.Fprintln(&b, formatVersion, prog.digest)
	mod, sdk := prog.sdk.module, prog.sdk.path
	fmt.Fprintf(&b, "%q %q %q %q\n", mod.path, mod.version, sdk, used.of(sdk))
	if mod.local {
		files, err := digests(mod.dir)
		if err != nil {
			return "", fmt.Errorf("reading %s: %w", mod.path, err)
		}
		fmt.Fprintf(&b, "%q\n", files)
	}
	fmt.Fprintf(&b, "%q\n", used.of(""))
	return digest(b.Bytes()), nil
}

func digest(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// digests returns the digests of the files below dir, by their paths with slashes. It leaves out hidden folders.
func digests(dir string) (map[string]string, error) {
	root, found := os.DirFS(dir), make(map[string]string)
	err := fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && name != "." && strings.HasPrefix(entry.Name(), "."):
			return fs.SkipDir
		case !entry.Type().IsRegular():
			return nil
		}
		content, err := fs.ReadFile(root, name)
		found[name] = digest(content)
		return err
	})
	return found, err
}

// upToDate reports whether the copy in root was made from the input and was not changed since. It returns the go.work that
// goes with the copy.
func upToDate(root, input string) (work string, ok bool) {
	out := filepath.Join(root, outputDir)
	content, err := os.ReadFile(filepath.Join(out, stampFile))
	if err != nil {
		return "", false
	}
	var s stamp
	if json.Unmarshal(content, &s) != nil || s.Input != input {
		return "", false
	}
	found, err := digests(out)
	delete(found, stampFile)
	return s.Work, err == nil && maps.Equal(found, s.Files)
}

// writeCopy makes the output folder hold the files and no others. It writes the stamp last: an interrupted run leaves none,
// or one whose digests do not match. Two runs at once do the same.
func writeCopy(root, input, work string, files map[string][]byte) error {
	out := filepath.Join(root, outputDir)
	if err := os.RemoveAll(out); err != nil {
		return err
	}
	s := stamp{Input: input, Work: work, Files: make(map[string]string, len(files))}
	for name, content := range files {
		s.Files[name] = digest(content)
		if _, err := writeFile(filepath.Join(out, filepath.FromSlash(name)), content); err != nil {
			return err
		}
	}
	content, err := json.MarshalIndent(s, "", "\t")
	if err != nil {
		return err
	}
	_, err = writeFile(filepath.Join(out, stampFile), append(content, '\n'))
	return err
}

// writeFile writes a file and its folder unless the file already has the content. It reports whether it did.
func writeFile(name string, content []byte) (bool, error) {
	if old, err := os.ReadFile(name); err == nil && bytes.Equal(old, content) {
		return false, nil
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return false, err
	}
	return true, os.WriteFile(name, content, 0o644)
}
