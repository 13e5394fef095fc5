package main

import (
	_ "embed"
	"os"
	"path/filepath"
)

//go:embed doppler.sh
var dopplerShim []byte

// shimPath writes the stand-in for the Doppler CLI and returns a PATH that has it
// first.
func (s *sandbox) shimPath() (string, error) {
	dir := s.path("path")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	path := dir + string(os.PathListSeparator) + os.Getenv("PATH")
	return path, os.WriteFile(filepath.Join(dir, "doppler"), dopplerShim, 0o700)
}
