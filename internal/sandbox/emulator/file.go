package emulator

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"
)

// Load reads the JSON file at path into v. If there is no such file, it leaves v unchanged.
func Load(path string, v any) error {
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("reading %s (remove it to start over): %w", path, err)
	}
	return nil
}

// Save writes v as JSON to the file at path, which only the owner can read.
func Save(path string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return WriteFile(path, append(b, '\n'), 0o600)
}

// WriteFile writes a whole file or nothing.
func WriteFile(path string, content []byte, perm os.FileMode) error {
	// Use the file's own folder: renameio would otherwise try the system's temporary folder
	// first.
	return renameio.WriteFile(path, content, perm, renameio.WithTempDir(filepath.Dir(path)), renameio.WithStaticPermissions(perm))
}
