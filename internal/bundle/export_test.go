package bundle

import (
	"maps"
	"slices"
)

// For the tests, which are in another package.
func (r Runtime) Lacks(module string) string { return r.lacks(module) }

func NodeModules() []string { return slices.Sorted(maps.Keys(nodeFeatures)) }
