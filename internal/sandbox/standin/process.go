package standin

import (
	"path/filepath"
	"slices"
	"strings"
)

// Process is what a plugin takes from its process: the working directory and the environment.
// If a variable has several values, the last counts. Stand-ins are given a Process, so that
// several engines can run in one process.
type Process struct {
	Dir     string
	Environ []string
}

// Getenv looks up an environment variable.
func (p Process) Getenv(name string) string {
	for _, assignment := range slices.Backward(p.Environ) {
		if value, found := strings.CutPrefix(assignment, name+"="); found {
			return value
		}
	}
	return ""
}

// path returns a path relative to the working directory.
func (p Process) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(p.Dir, name)
}
