package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"gopkg.in/yaml.v3"
)

// writeProject puts copies of Pulumi.yaml and the stack's file into the
// sandbox, since the engine writes to the latter. The copies say where the rest
// of the project is. It returns their folder.
func (s *sandbox) writeProject() (string, error) {
	dir := s.path("project")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	up, err := filepath.Rel(dir, s.root)
	if err != nil {
		return "", err
	}
	if err := s.copyProjectFile(dir, up); err != nil {
		return "", fmt.Errorf("copying Pulumi.yaml: %w", err)
	}
	if err := s.copyStackFile(dir); err != nil {
		return "", fmt.Errorf("copying Pulumi.%s.yaml: %w", stackName, err)
	}
	return dir, nil
}

// yamlMap is a YAML mapping whose members are kept as they are.
type yamlMap = map[string]any

func (s *sandbox) copyProjectFile(dir, up string) error {
	project, err := readYAML(filepath.Join(s.root, "Pulumi.yaml"))
	if err != nil {
		return err
	}
	project["main"] = up
	plugins, _ := project["plugins"].(yamlMap)
	providers, _ := plugins["providers"].([]any)
	for _, p := range providers {
		provider, _ := p.(yamlMap)
		if path, ok := provider["path"].(string); ok {
			provider["path"] = filepath.Join(up, path)
		}
	}
	return writeYAML(filepath.Join(dir, "Pulumi.yaml"), project)
}

// copyStackFile takes the config over. Values that are encrypted for the real
// stack cannot be read here and are left out; the salt of this sandbox stays.
func (s *sandbox) copyStackFile(dir string) error {
	name := "Pulumi." + stackName + ".yaml"
	source, err := readYAML(filepath.Join(s.root, name))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	mine, err := readYAML(filepath.Join(dir, name))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	config, _ := source["config"].(yamlMap)
	for key, value := range config {
		if encrypted(value) {
			fmt.Fprintf(s.stderr, "left out: %s, which is encrypted for the real stack\n", key)
			delete(config, key)
		}
	}
	if config == nil {
		config = yamlMap{}
	}
	for key, value := range s.config {
		config[key] = value
	}
	copied := yamlMap{"config": config}
	if salt, ok := mine["encryptionsalt"]; ok {
		copied["encryptionsalt"] = salt
	}
	return writeYAML(filepath.Join(dir, name), copied)
}

// encrypted tells whether a config value, or any member of it, is.
func encrypted(value any) bool {
	switch v := value.(type) {
	case yamlMap:
		if _, ok := v["secure"]; ok && len(v) == 1 {
			return true
		}
		for _, member := range v {
			if encrypted(member) {
				return true
			}
		}
	case []any:
		for _, member := range v {
			if encrypted(member) {
				return true
			}
		}
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

func writeYAML(path string, m yamlMap) error {
	b, err := yaml.Marshal(m)
	if err != nil {
		return err
	}
	return os.WriteFile(path, b, 0o600)
}
