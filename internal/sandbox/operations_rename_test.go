package main

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"gopkg.in/yaml.v3"

	"portfolio-infra/internal/testfiles"
)

// renameStack gives the stack another name, as `pulumi stack rename` does.
func (c *trial) renameStack(name string) {
	c.Helper()
	if _, err := c.Command(c.Context(), "stack", "rename", name); err != nil {
		c.Fatal(err)
	}
	// The file of the stack's configuration is renamed with it.
	for key, value := range c.stackFile() {
		if _, set := c.Config[key]; !set {
			c.Config[key] = value
		}
	}
	c.Stack = name
}

// stackFile returns the configuration that Pulumi.dev.yaml has.
func (c *trial) stackFile() map[string]any {
	c.Helper()
	var file struct{ Config map[string]any }
	readYAML(c, filepath.Join(c.Root, "Pulumi.dev.yaml"), &file)
	return file.Config
}

// renameProject gives the project another name, as a user does in a checkout: by the command,
// and in Pulumi.yaml. The configuration that is not encrypted is in the checkout's file.
func (c *trial) renameProject(name string) {
	c.Helper()
	if _, err := c.Command(c.Context(), "stack", "rename", "organization/"+name+"/dev"); err != nil {
		c.Fatal(err)
	}
	checkout := c.checkout(func(name string) bool { return !strings.HasPrefix(name, "Pulumi.") })
	config := c.stackFile()
	maps.Copy(config, c.Config)
	c.Config = map[string]any{}
	for _, key := range []string{"secrets", "siteSecrets"} {
		c.Config[name+":"+key] = config["portfolio:"+key]
		delete(config, "portfolio:"+key)
	}
	file, err := yaml.Marshal(map[string]any{"config": config})
	project, readErr := os.ReadFile(filepath.Join(c.Root, "Pulumi.yaml"))
	if err := errors.Join(err, readErr); err != nil {
		c.Fatal(err)
	}
	testfiles.Write(c, checkout, map[string]string{
		"Pulumi.yaml":     strings.Replace(string(project), "name: portfolio\n", "name: "+name+"\n", 1),
		"Pulumi.dev.yaml": string(file),
	})
	c.Root, c.project = checkout, name
}
