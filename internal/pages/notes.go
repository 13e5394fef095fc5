package pages

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// oddity is a kind of path in a site that the user should know about.
type oddity int

const (
	leftOut oddity = iota
	functionsInSite
	notAtTop // a settings file
	sourceMap
	sqlFile
	wranglerFile
)

// wranglerNames are the names of Wrangler files, in wrangler's order of preference.
// https://github.com/cloudflare/workers-sdk/blob/f8308360/packages/workers-utils/src/config/config-helpers.ts (findWranglerConfig)
var wranglerNames = []string{"wrangler.json", "wrangler.jsonc", "wrangler.toml"}

// noteSkipped notes a path that is not served although it may be meant to be.
func (w *walker) noteSkipped(name string) {
	switch base := path.Base(name); {
	case name == "functions":
		w.odd[functionsInSite] = []string{name}
	case base == "node_modules" || base == ".git":
		w.odd[leftOut] = append(w.odd[leftOut], name)
	}
}

// note notes a file that is served although it may not be meant to be.
func (w *walker) note(name string) {
	kind := leftOut
	switch base := path.Base(name); {
	case slices.Contains(settingsFiles, base):
		kind = notAtTop
	case strings.HasSuffix(base, ".map"):
		kind = sourceMap
	case strings.HasSuffix(base, ".sql"):
		kind = sqlFile
	case slices.Contains(wranglerNames, base):
		kind = wranglerFile
	default:
		return
	}
	w.odd[kind] = append(w.odd[kind], name)
}

// maxNoted limits what a note lists.
const maxNoted = 3

// warnings says what has no effect.
func (w *walker) warnings() (all []string) {
	if found := w.odd[notAtTop]; len(found) > 0 {
		all = append(all, few(found, maxNoted)+": served as a file and not read, since only the one at the top of the site counts")
	}
	var unneeded []string
	for i, needed := range w.needed {
		if !needed {
			unneeded = append(unneeded, w.public[i])
		}
	}
	if len(unneeded) > 0 {
		all = append(all, "publicFiles names what the site does not have, or what does not look like a secret: "+few(unneeded, maxListed))
	}
	return all
}

// notes says what is left out, and what is published without need. functions is the folder that
// is compiled, or "".
func (w *walker) notes(functions string) (all []string) {
	if found := w.odd[leftOut]; len(found) > 0 {
		all = append(all, "left out, as by wrangler: "+few(found, maxNoted))
	}
	if len(w.odd[functionsInSite]) > 0 && !sameFolder(functions, filepath.Join(w.root, "functions")) {
		all = append(all, "left out, as by wrangler: functions; to have its file routes, name that folder in the config key functions")
	}
	var public []string
	for _, kind := range []struct {
		oddity
		one, more string
	}{{sourceMap, "source map", "source maps"}, {sqlFile, "SQL file", "SQL files"}, {wranglerFile, "Wrangler file", "Wrangler files"}} {
		found, what := w.odd[kind.oddity], kind.one
		if len(found) == 0 {
			continue
		}
		if len(found) > 1 {
			what = kind.more
		}
		public = append(public, fmt.Sprintf("%d %s (%s)", len(found), what, few(found, maxNoted)))
	}
	if len(public) > 0 {
		all = append(all, "everybody can read "+strings.Join(public, ", "))
	}
	return all
}

func sameFolder(a, b string) bool {
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(infoA, infoB)
}
