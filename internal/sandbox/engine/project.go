package engine

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"portfolio-infra/internal/environment/mark"
	"portfolio-infra/internal/sandbox/emulator"
)

// writeProject copies Pulumi.yaml and the stack's file into the folder project, since the
// engine writes to the latter.
func (e *Engine) writeProject() error {
	if err := e.copyProjectFile("Pulumi.yaml"); err != nil {
		return fmt.Errorf("copying Pulumi.yaml: %w", err)
	}
	if err := e.copyStackFile(); err != nil {
		return fmt.Errorf("copying %s: %w", stackFile(e.stack()), err)
	}
	return nil
}

// stackFile returns the name of a stack's file.
func stackFile(stack string) string { return "Pulumi." + stack + ".yaml" }

// settings returns the path of the file that has the stack's settings. An environment without one
// of its own has that of all environments, as in CI.
func (e *Engine) settings() string {
	own := filepath.Join(e.Root, stackFile(e.stack()))
	if _, environment := mark.Number(e.stack()); environment {
		if _, err := os.Stat(own); errors.Is(err, os.ErrNotExist) {
			return filepath.Join(e.Root, stackFile("pr"))
		}
	}
	return own
}

// yamlMap is a YAML mapping whose members are kept as they are.
type yamlMap = map[string]any

// project returns the project's name, or "" if there is none.
func (e *Engine) project() string {
	file, err := readYAML(filepath.Join(e.Root, "Pulumi.yaml"))
	name, _ := file["name"].(string)
	if err != nil {
		return ""
	}
	return name
}

// copyProjectFile copies the file and makes its paths lead from the copy to the project.
func (e *Engine) copyProjectFile(name string) error {
	project, err := readYAML(filepath.Join(e.Root, name))
	if err != nil {
		return err
	}
	root, err := e.rootFromProject()
	if err != nil {
		return err
	}
	project["name"], project["main"] = e.project(), root
	plugins, _ := project["plugins"].(yamlMap)
	providers, _ := plugins["providers"].([]any)
	for _, p := range providers {
		provider, _ := p.(yamlMap)
		if path, ok := provider["path"].(string); ok {
			provider["path"] = filepath.Join(root, path)
		}
	}
	return writeYAML(filepath.Join(e.path("project"), name), project)
}

// rootFromProject returns the path from the copies to the project. Either folder may be behind
// a symbolic link.
func (e *Engine) rootFromProject() (string, error) {
	from, err := filepath.EvalSymlinks(e.path("project"))
	if err != nil {
		return "", err
	}
	to, err := filepath.EvalSymlinks(e.Root)
	if err != nil {
		return "", err
	}
	return filepath.Rel(from, to)
}

// copyStackFile copies the config, except for values that are encrypted for the real stack and
// cannot be read here. It keeps the sandbox's own salt. It leaves the sandbox's data
// unprotected, so that a destroy needs no second step.
func (e *Engine) copyStackFile() error {
	target := filepath.Join(e.path("project"), stackFile(e.stack()))
	source, err := readYAML(e.settings())
	last, lastErr := readYAML(target)
	for _, err := range []error{err, lastErr} {
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	config := yamlMap{}
	original, _ := source["config"].(yamlMap)
	for key, value := range original {
		if encrypted(value) {
			fmt.Fprintf(e.Stderr, "left out: %s, which is encrypted for the real stack\n", key)
			continue
		}
		config[key] = value
	}
	project := e.project()
	config[full(project, "protect")] = false
	for key, value := range e.Config {
		config[full(project, key)] = value
	}
	if err := e.checkAddresses(config); err != nil {
		return err
	}
	copied := yamlMap{"config": config}
	if salt, ok := last["encryptionsalt"]; ok {
		copied["encryptionsalt"] = salt
	}
	return writeYAML(target, copied)
}

// full adds the project's namespace to a key without one.
func full(project, key string) string {
	if strings.Contains(key, ":") {
		return key
	}
	return project + ":" + key
}

// encrypted reports whether a config value, or any member of it, is encrypted.
func encrypted(value any) bool {
	switch v := value.(type) {
	case yamlMap:
		if _, ok := v["secure"]; ok && len(v) == 1 {
			return true
		}
		return slices.ContainsFunc(slices.Collect(maps.Values(v)), encrypted)
	case []any:
		return slices.ContainsFunc(v, encrypted)
	}
	return false
}

func readYAML(path string) (yamlMap, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	m := yamlMap{}
	return m, yaml.Unmarshal(b, &m)
}

// writeYAML writes a whole file or nothing: the run of another stack may be reading Pulumi.yaml.
func writeYAML(path string, m yamlMap) error {
	b, err := yaml.Marshal(m)
	if err != nil {
		return err
	}
	return emulator.WriteFile(path, b, 0o600)
}
