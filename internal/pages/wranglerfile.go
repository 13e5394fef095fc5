package pages

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
)

// WranglerFiles says which Wrangler files wrangler would read to deploy a site, and what they
// would have set: here they have no effect. site is relative to the project's folder dir.
//
// wrangler searches upwards from where it runs: the project's folder, or a folder between it
// and the site.
// https://github.com/cloudflare/workers-sdk/blob/f8308360/packages/workers-utils/src/config/config-helpers.ts (findWranglerConfig)
func WranglerFiles(dir, site string) (all []string) {
	folders := []string{"."}
	for folder := path.Dir(filepath.ToSlash(site)); folder != "."; folder = path.Dir(folder) {
		folders = append(folders, folder)
		if !filepath.IsLocal(folder) {
			break // the project's folder is not above
		}
	}
	for _, folder := range folders {
		for _, name := range wranglerNames {
			text, err := os.ReadFile(filepath.Join(dir, folder, name))
			if err != nil {
				continue
			}
			if said := sayWranglerFile(path.Join(folder, name), text); said != "" {
				all = append(all, said)
			}
			break // wrangler reads only one of them
		}
	}
	return all
}

// sayWranglerFile names what a Wrangler file would have set. It returns "" for the file of a
// Worker, which is not for a site.
func sayWranglerFile(name string, text []byte) string {
	var config map[string]any
	var err error
	if strings.HasSuffix(name, ".toml") {
		err = toml.Unmarshal(text, &config)
	} else {
		err = json.Unmarshal(plainJSON(text), &config)
	}
	if err != nil {
		return name + " is not read, as wrangler would"
	}
	_, forSite := config["pages_build_output_dir"]
	if _, forWorker := config["main"]; forWorker && !forSite {
		return ""
	}
	var set []string
	for _, key := range slices.Sorted(maps.Keys(config)) {
		if key == "name" || key == "$schema" {
			continue
		}
		if names := namesIn(key, config[key]); len(names) > 0 {
			key += " (" + few(names, maxListed) + ")"
		}
		set = append(set, key)
	}
	return fmt.Sprintf("%s is not read, as wrangler would, so this has no effect: %s; the config has compatibilityDate, compatibilityFlags, siteVars, siteSecrets and moreBindings, "+
		"and other bindings stay as the dashboard has them", name, few(set, 2*maxListed))
}

// namesIn returns the names of the variables or bindings that a key has, never a value.
// https://developers.cloudflare.com/pages/functions/wrangler-configuration/
func namesIn(key string, value any) (names []string) {
	if table, ok := value.(map[string]any); ok && (key == "vars" || key == "env") {
		return slices.Sorted(maps.Keys(table))
	}
	var tables []map[string]any
	switch v := value.(type) {
	case map[string]any:
		tables = append(tables, v)
	case []map[string]any: // as TOML has it
		tables = v
	case []any:
		for _, element := range v {
			if table, ok := element.(map[string]any); ok {
				tables = append(tables, table)
			}
		}
	}
	for _, table := range tables {
		if name, ok := table["binding"].(string); ok {
			names = append(names, name)
		}
	}
	return names
}

var (
	commentOrText = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|//[^\n]*|/\*(?s:.*?)\*/`)
	commaOrText   = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|,\s*[\]}]`)
)

// plainJSON removes comments and trailing commas from JSON.
func plainJSON(text []byte) []byte {
	text = commentOrText.ReplaceAllFunc(text, func(b []byte) []byte {
		if b[0] == '/' {
			return nil
		}
		return b
	})
	return commaOrText.ReplaceAllFunc(text, func(b []byte) []byte {
		if b[0] == ',' {
			return b[len(b)-1:]
		}
		return b
	})
}
