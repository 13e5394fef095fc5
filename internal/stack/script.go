package stack

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"portfolio-infra/internal/bundle"
)

// Script is the Worker's script: one file in module syntax.
// https://developers.cloudflare.com/workers/runtime-apis/handlers/fetch/
type Script struct {
	// Path is relative to the project's folder, so that the state is the same on every
	// machine.
	Path string
	// SHA256 is the hash of the content, in hexadecimal.
	SHA256 string

	bundled  []byte // the content to write at Path, or nil if it is already there
	warnings []string
}

// bundleFolder has the bundled scripts, since the provider reads a script from a file. In each
// preview it compares the file with the hash, so new content gets a new name:
// https://github.com/cloudflare/terraform-provider-cloudflare/blob/main/internal/services/workers_script/custom.go
const bundleFolder = ".pulumi-build"

// bundleModule is the name under which a bundled script is uploaded.
const bundleModule = "worker.js"

// MainModule is the name under which the script is uploaded.
func (s Script) MainModule() string {
	if s.bundled != nil {
		return bundleModule
	}
	return path.Base(s.Path)
}

// write puts a bundled script in its place below the project's folder dir.
func (s Script) write(dir string) error {
	if s.bundled == nil {
		return nil
	}
	file := filepath.Join(dir, s.Path)
	if have, err := os.ReadFile(file); err == nil && bytes.Equal(have, s.bundled) {
		return nil
	}
	err := os.MkdirAll(filepath.Dir(file), 0o755)
	if err == nil {
		// Another run may be reading the file, so it appears only when it is whole.
		var part *os.File
		if part, err = os.CreateTemp(filepath.Dir(file), "*.part"); err == nil {
			_, writeErr := part.Write(s.bundled)
			err = errors.Join(writeErr, part.Close())
			if err == nil {
				err = os.Rename(part.Name(), file)
			}
		}
	}
	if err != nil {
		return fmt.Errorf("writing the bundled Worker: %w", err)
	}
	return nil
}

// maxScript is the size limit of a Worker, uncompressed, in bytes.
// https://developers.cloudflare.com/workers/platform/limits/#worker-size
const maxScript = 64 << 20

// script reads the Worker's script, and warns of what will fail in it.
func (r *reader) script(key string, runtime bundle.Runtime) Script {
	path := r.text(key)
	s, err := readScript(r.program.Dir, path, runtime)
	for _, warning := range s.warnings {
		err = errors.Join(err, r.ctx.Log.Warn(key+": "+warning, nil))
	}
	if err != nil {
		var pathErr *os.PathError
		if errors.As(err, &pathErr) {
			err = pathErr.Err
		}
		r.problem(key, "%q: %v; give a JavaScript or TypeScript file in module syntax, relative to the project's folder", path, err)
	}
	return s
}

// checkPath returns an error unless a state may have the path.
func checkPath(path string) error {
	switch {
	case strings.ContainsFunc(path, unicode.IsControl):
		return errors.New("the path has a control character")
	case filepath.IsAbs(path):
		return errors.New("the path is absolute, so the state would differ from machine to machine")
	}
	return nil
}

// readScript bundles, checks and hashes the file at path, which is relative to dir. A file
// that the runtime takes is uploaded as it is.
func readScript(dir, path string, runtime bundle.Runtime) (Script, error) {
	if err := checkPath(path); err != nil {
		return Script{}, err
	}
	ext := filepath.Ext(path)
	if !slices.Contains([]string{".js", ".mjs", ".ts", ".mts"}, ext) {
		return Script{}, fmt.Errorf("the name ends in %q, not in .js, .mjs, .ts or .mts", ext)
	}
	file := dir + string(filepath.Separator) + path // Join would drop a trailing slash
	info, err := os.Stat(file)
	switch {
	case err != nil:
		return Script{}, err
	case !info.Mode().IsRegular():
		return Script{}, errors.New("it is not a file")
	case info.Size() > maxScript:
		return Script{}, tooLarge(info.Size())
	}
	built, err := bundle.Build(dir, path, bundle.Options{Runtime: runtime})
	switch {
	case err != nil:
		return Script{}, err
	case len(built.Exports) == 0:
		return Script{}, errors.New("it exports nothing")
	case len(built.Code) > maxScript:
		return Script{}, tooLarge(int64(len(built.Code)))
	}
	s := Script{Path: filepath.ToSlash(path), warnings: built.Warnings}
	content := built.Code
	if built.Plain {
		if content, err = os.ReadFile(file); err != nil {
			return Script{}, err
		}
	} else {
		s.bundled = content
	}
	sum := sha256.Sum256(content)
	s.SHA256 = hex.EncodeToString(sum[:])
	if s.bundled != nil {
		s.Path = bundleFolder + "/" + s.SHA256[:16] + "/" + bundleModule
	}
	return s, nil
}

func tooLarge(size int64) error {
	return fmt.Errorf("it has %d bytes, and a Worker at most %d", size, maxScript)
}
