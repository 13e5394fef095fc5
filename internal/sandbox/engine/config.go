package engine

import (
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// getenv returns the function by which the program looks up its environment. A language host
// puts the configuration there, too; here it stays in memory.
func (e *Engine) getenv(ctx *pulumi.Context, env map[string]string) func(string) string {
	process := e.process(env)
	return func(name string) string {
		if name == pulumi.EnvConfig {
			return e.programConfig(ctx)
		}
		return process.Getenv(name)
	}
}

// programConfig returns the configuration as a language host passes it: a JSON object of all
// values, by key with namespace. The context gives the values, the files give the keys.
func (e *Engine) programConfig(ctx *pulumi.Context) string {
	all, project := map[string]string{}, e.project()
	for _, name := range []string{"Pulumi.yaml", stackFile(e.stack())} {
		file, err := readYAML(filepath.Join(e.path("project"), name))
		if err != nil {
			return ""
		}
		config, _ := file["config"].(yamlMap)
		for key := range config {
			key = full(project, key)
			if value, ok := ctx.GetConfig(key); ok {
				all[key] = value
			}
		}
	}
	b, err := json.Marshal(all)
	if err != nil {
		panic(err) // all values are text
	}
	return string(b)
}

// checkAddresses refuses providers' settings that have the address of a real API.
func (e *Engine) checkAddresses(config yamlMap) error {
	own := e.project() + ":"
	for _, key := range slices.Sorted(maps.Keys(config)) {
		value, _ := config[key].(string)
		if !strings.HasPrefix(key, own) && strings.Contains(value, "//") && !IsLocal(value) {
			return fmt.Errorf("%s: the sandbox runs on emulated clouds alone, and this address is not on this machine: take the key out", key)
		}
	}
	return nil
}
