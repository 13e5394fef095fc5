// Package docs tests the documents: that what is made from the sources is up to date, and
// that links, files, commands and quoted errors exist.
package docs

import (
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"
)

var update = flag.Bool("update", false, "write what is made from the sources into the documents")

const root = ".."

// documents returns the texts of all documents, by path from the root.
func documents(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, pattern := range []string{"*.md", "docs/*.md", ".github/*.md"} {
		paths, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil || len(paths) == 0 {
			t.Fatalf("%s: %v, %v", pattern, paths, err)
		}
		for _, path := range paths {
			all[strings.TrimPrefix(filepath.ToSlash(path), root+"/")] = read(t, path)
		}
	}
	return all
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// project is the part of Pulumi.yaml that is documented.
type project struct {
	Config yaml.Node `yaml:"config"`
}

type configKey struct {
	Type        string    `yaml:"type"`
	Secret      bool      `yaml:"secret"`
	Description string    `yaml:"description"`
	Default     yaml.Node `yaml:"default"`
}

// configuration returns the keys of Pulumi.yaml, in their order.
func configuration(t *testing.T) (names []string, keys map[string]configKey) {
	t.Helper()
	var p project
	if err := yaml.Unmarshal([]byte(read(t, filepath.Join(root, "Pulumi.yaml"))), &p); err != nil {
		t.Fatal(err)
	}
	if err := p.Config.Decode(&keys); err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(p.Config.Content); i += 2 {
		names = append(names, p.Config.Content[i].Value)
	}
	return names, keys
}

// defaultOf returns a default on one line, or "" for an empty one.
func defaultOf(node yaml.Node) string {
	if node.Value == "" && len(node.Content) == 0 {
		return ""
	}
	node.Style = yaml.FlowStyle
	text, err := yaml.Marshal(&node)
	if err != nil || node.Kind == yaml.ScalarNode {
		text = []byte(node.Value)
	}
	return "`" + strings.TrimSpace(string(text)) + "`"
}

// configurationTable is the table of the configuration keys.
func configurationTable(t *testing.T) string {
	names, keys := configuration(t)
	rows := "| key | type | default | description |\n| --- | --- | --- | --- |\n"
	for _, name := range names {
		k := keys[name]
		kind := strings.Replace(k.Type, "array", "list", 1)
		if k.Secret {
			kind = "secret object"
		}
		rows += fmt.Sprintf("| `%s` | %s | %s | %s |\n", name, kind, defaultOf(k.Default), k.Description)
	}
	return rows
}

// resourceTables are the inputs of the provider's resources.
func resourceTables(t *testing.T) string {
	var schema struct {
		Resources map[string]struct {
			Description     string
			InputProperties map[string]struct{ Description string }
			RequiredInputs  []string
		}
	}
	if err := json.Unmarshal([]byte(read(t, filepath.Join(root, "internal/provider/testdata/schema.json"))), &schema); err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, token := range slices.Sorted(maps.Keys(schema.Resources)) {
		r := schema.Resources[token]
		fmt.Fprintf(&text, "### %s\n\n%s\n\n| input | |\n| --- | --- |\n", token, r.Description)
		for _, name := range slices.Sorted(maps.Keys(r.InputProperties)) {
			required := ""
			if slices.Contains(r.RequiredInputs, name) {
				required = " (required)"
			}
			fmt.Fprintf(&text, "| `%s`%s | %s |\n", name, required, r.InputProperties[name].Description)
		}
		text.WriteString("\n")
	}
	return strings.TrimSuffix(text.String(), "\n")
}

// What is made from the sources is as the sources say.
func TestMade(t *testing.T) {
	const begin, end = "<!-- made from the sources: go test -trimpath ./docs -update -->\n\n", "\n<!-- end -->\n"
	for file, make := range map[string]func(*testing.T) string{
		"configuration.md": configurationTable,
		"provider.md":      resourceTables,
	} {
		text := read(t, file)
		before, rest, ok1 := strings.Cut(text, begin)
		_, after, ok2 := strings.Cut(rest, end)
		if !ok1 || !ok2 {
			t.Fatalf("docs/%s has no place for what is made from the sources", file)
		}
		want := before + begin + make(t) + end + after
		switch diff := cmp.Diff(text, want); {
		case diff == "":
		case *update:
			if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		default:
			t.Errorf("docs/%s is not as its source says; run go test -trimpath ./docs -update:\n%s", file, diff)
		}
	}
}

var (
	fence    = regexp.MustCompile("(?ms)^```.*?^```$")
	codeSpan = regexp.MustCompile("`[^`\n]*`")
	link     = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading  = regexp.MustCompile(`(?m)^#+ (.*)$`)
	notSlug  = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// anchors returns the anchors of a document's headings.
// https://docs.github.com/en/get-started/writing-on-github/getting-started-with-writing-and-formatting-on-github/basic-writing-and-formatting-syntax#section-links
func anchors(text string) []string {
	var all []string
	for _, h := range heading.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
		all = append(all, strings.ReplaceAll(notSlug.ReplaceAllString(strings.ToLower(h[1]), ""), " ", "-"))
	}
	return all
}

// The README is for somebody who has five minutes. The rest is in docs.
func TestREADME_size(t *testing.T) {
	if size := len(documents(t)["README.md"]); size > 10_000 {
		t.Errorf("README.md has %d bytes, want at most 10,000: move what not everybody needs to docs", size)
	}
}

// Each relative link leads to a file, and to a heading of it.
func TestLinks(t *testing.T) {
	all := documents(t)
	for document, text := range all {
		for _, m := range link.FindAllStringSubmatch(codeSpan.ReplaceAllString(fence.ReplaceAllString(text, ""), ""), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			path, anchor, _ := strings.Cut(m[1], "#")
			target := document
			if path != "" {
				target = filepath.ToSlash(filepath.Join(filepath.Dir(document), path))
			}
			if _, err := os.Stat(filepath.Join(root, target)); err != nil {
				t.Errorf("%s: %s leads nowhere", document, m[1])
			} else if anchor != "" && !slices.Contains(anchors(all[target]), anchor) {
				t.Errorf("%s: %s has no heading #%s", document, target, anchor)
			}
		}
	}
}

// The documents name only files, make targets and configuration keys that exist.
func TestNames(t *testing.T) {
	makefile := read(t, filepath.Join(root, "Makefile"))
	names, _ := configuration(t)
	named := regexp.MustCompile(`\binternal/[A-Za-z0-9_./-]*[A-Za-z0-9_]`)
	// A placeholder, and folders of terraform-provider-cloudflare.
	others := regexp.MustCompile(`^internal/(NAME|apijson/|services/)`)
	target := regexp.MustCompile("(?m)(?:`|^ +|\\$ )make ([a-z]+)")
	config := regexp.MustCompile(`pulumi config (?:set|rm)((?: --?[a-z]+(?: string)?)*) ([A-Za-z:]+)`)
	for document, text := range documents(t) {
		for _, path := range named.FindAllString(text, -1) {
			if _, err := os.Stat(filepath.Join(root, path)); err != nil && !others.MatchString(path) {
				t.Errorf("%s: %s does not exist", document, path)
			}
		}
		for _, m := range target.FindAllStringSubmatch(text, -1) {
			if !strings.Contains(makefile, "\n.PHONY: "+m[1]+"\n") {
				t.Errorf("%s: the Makefile has no target %s", document, m[1])
			}
		}
		for _, m := range config.FindAllStringSubmatch(text, -1) {
			if key := m[2]; !slices.Contains(names, key) && !strings.Contains(key, ":") && key != "KEY" {
				t.Errorf("%s: %s: there is no such key", document, m[0])
			}
		}
	}
}

// The errors of Pulumi, of its plugins, of Cloudflare and of Go that README.md explains.
var errorsOfOthers = []string{
	"the stack is currently locked", "currently marked for protection", "failed to load checkpoint: EOF", "404 Not Found",
	"snapshot integrity", "violates plan", "usageModel is deprecated", "still referenced by service bindings",
	"Must delete custom domains before deleting project", "Your project has too many deployments to be deleted",
	"-mod may only be set to readonly or vendor when in workspace mode",
}

// Each error that README.md explains is one of this program, or of others.
func TestErrors(t *testing.T) {
	var sources strings.Builder
	err := filepath.WalkDir(filepath.Join(root, "internal"), func(path string, entry fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") {
			sources.WriteString(read(t, path))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(read(t, filepath.Join(root, "README.md")), "## When something fails\n")
	table, _, _ = strings.Cut(table, "\n## ")
	quoted := 0
	for _, row := range regexp.MustCompile("(?m)^\\| (`[^|]*) \\|").FindAllStringSubmatch(table, -1) {
		for _, span := range codeSpan.FindAllString(row[1], -1) {
			quoted++
			if text := strings.Trim(span, "`"); !slices.Contains(errorsOfOthers, text) && !strings.Contains(sources.String(), text) {
				t.Errorf("README.md explains %q, which nothing says", text)
			}
		}
	}
	if quoted < 10 {
		t.Errorf("README.md explains %d errors", quoted)
	}
}
