package standin

import (
	"path/filepath"
	"strings"
)

// Process is what a plugin takes from its process: the working directory and the
// environment, where the last of several values of a variable counts. Stand-ins are given
// one, so that several engines can run in a process.
type Process struct {
	Dir     string
	Environ []string
}

// Getenv looks up an environment variable.
func (p Process) Getenv(name string) string {
	value := ""
	for _, assignment := range p.Environ {
		if after, found := strings.CutPrefix(assignment, name+"="); found {
			value = after
		}
	}
	return value
}

// path returns a path relative to the working directory.
func (p Process) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(p.Dir, name)
}
