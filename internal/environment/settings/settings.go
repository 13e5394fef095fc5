// Package settings reads what the commands around an environment need to know of the project's
// files, without the Pulumi engine.
package settings

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"gopkg.in/yaml.v3"

	"portfolio-infra/internal/environment/mark"
)

// Settings of the project's environments.
type Settings struct {
	// Project is the project's name in Pulumi.yaml.
	Project string
	// ExpireAfterDays is the key expireAfterDays of Pulumi.pr.yaml, or else Pulumi.yaml's default.
	ExpireAfterDays int
	// Migrations and so on are the keys of that name, or empty.
	Migrations, MigrationsFormat, MigrationsTable, PreviewData string
}

const (
	projectFile     = "Pulumi.yaml"
	environmentFile = "Pulumi.pr.yaml"
	expireKey       = "expireAfterDays"
)

// Read reads the files of the project in a folder. Pulumi.pr.yaml may be missing.
func Read(folder string) (Settings, error) { return readFiles(folder, environmentFile) }

// ReadStack is Read for one environment, whose own file is a copy of Pulumi.pr.yaml, or missing.
func ReadStack(folder, stack string) (Settings, error) {
	own := "Pulumi." + stack + ".yaml"
	if _, err := os.Stat(filepath.Join(folder, own)); errors.Is(err, fs.ErrNotExist) {
		own = environmentFile
	}
	return readFiles(folder, own)
}

func readFiles(folder, environmentFile string) (Settings, error) {
	var project struct {
		Name   string `yaml:"name"`
		Config map[string]struct {
			Default any `yaml:"default"`
		} `yaml:"config"`
	}
	var environment struct {
		Config map[string]any `yaml:"config"`
	}
	err := read(folder, projectFile, &project)
	if err == nil && project.Name == "" {
		err = fmt.Errorf("%s has no name", projectFile)
	}
	if err == nil {
		if err = read(folder, environmentFile, &environment); errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
	}
	if err != nil {
		return Settings{}, err
	}
	// A key of a stack's file may leave out the project's name.
	// https://github.com/pulumi/pulumi/blob/v3.256.0/sdk/go/common/workspace/config.go
	value := func(key string) any {
		return cmp.Or(environment.Config[project.Name+":"+key], environment.Config[key], project.Config[key].Default)
	}
	text := func(key string) string {
		s, _ := value(key).(string)
		return s
	}
	set := value(expireKey)
	days, err := strconv.Atoi(fmt.Sprint(set)) // pulumi config set writes text
	if err != nil || days < 1 {
		return Settings{}, fmt.Errorf("%s: %v must be a whole number of days, 1 or more: correct it in %s", expireKey, set, environmentFile)
	}
	return Settings{
		Project: project.Name, ExpireAfterDays: days, Migrations: text("migrations"),
		MigrationsFormat: text("migrationsFormat"), MigrationsTable: text("migrationsTable"), PreviewData: text("previewData"),
	}, nil
}

func read(folder, name string, into any) error {
	b, err := os.ReadFile(filepath.Join(folder, name))
	if err == nil {
		err = yaml.Unmarshal(b, into)
	}
	if err != nil {
		return fmt.Errorf("reading %s: %w", name, err)
	}
	return nil
}

// Name returns the name of the Pages project of a pull request's environment, with which those of
// its Worker and its cluster begin. It is internal/stack's default, which no environment may change.
func (s Settings) Name(n int) string {
	return mark.Slug(s.Project + "-" + mark.Stack(n))
}
