package stack

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unicode"
)

// Script is the Worker's script: a file in module syntax.
// https://developers.cloudflare.com/workers/runtime-apis/handlers/fetch/
type Script struct {
	// Path is relative to the project's folder, so that the state is the same on every
	// machine.
	Path string
	// SHA256 is the hash of the content, in hexadecimal.
	SHA256 string
}

// MainModule is the name under which the script is uploaded.
func (s Script) MainModule() string { return filepath.Base(s.Path) }

// maxScript is the size limit of a Worker, uncompressed, in bytes.
// https://developers.cloudflare.com/workers/platform/limits/#worker-size
const maxScript = 64 << 20

func (r *reader) script(key string) Script {
	path := r.text(key)
	s, err := readScript(r.program.Dir, path)
	if err != nil {
		var pathErr *os.PathError
		if errors.As(err, &pathErr) {
			err = pathErr.Err
		}
		r.problem(key, "%q: %v; give a JavaScript file in module syntax, relative to the project's folder", path, err)
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

// readScript checks and hashes the file at path, which is relative to dir.
func readScript(dir, path string) (Script, error) {
	if err := checkPath(path); err != nil {
		return Script{}, err
	}
	if ext := filepath.Ext(path); ext != ".js" && ext != ".mjs" {
		return Script{}, fmt.Errorf("the name ends in %q, not in .js or .mjs", ext)
	}
	file := dir + string(filepath.Separator) + path // Join would drop a trailing slash
	info, err := os.Stat(file)
	switch {
	case err != nil:
		return Script{}, err
	case !info.Mode().IsRegular():
		return Script{}, errors.New("it is not a file")
	case info.Size() > maxScript:
		return Script{}, fmt.Errorf("it has %d bytes, and a Worker at most %d", info.Size(), maxScript)
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return Script{}, err
	}
	if !bytes.Contains(content, []byte("export")) {
		return Script{}, errors.New("it exports nothing")
	}
	sum := sha256.Sum256(content)
	return Script{Path: filepath.ToSlash(path), SHA256: hex.EncodeToString(sum[:])}, nil
}
