package main

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"gopkg.in/yaml.v3"
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
	if err := yaml.Unmarshal([]byte(c.read(filepath.Join(c.Root, "Pulumi.dev.yaml"))), &file); err != nil {
		c.Fatal(err)
	}
	return file.Config
}

func (c *trial) read(path string) string {
	c.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		c.Fatal(err)
	}
	return string(text)
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
	project := strings.Replace(c.read(filepath.Join(c.Root, "Pulumi.yaml")), "name: portfolio\n", "name: "+name+"\n", 1)
	err = errors.Join(err,
		os.WriteFile(filepath.Join(checkout, "Pulumi.yaml"), []byte(project), 0o600),
		os.WriteFile(filepath.Join(checkout, "Pulumi.dev.yaml"), file, 0o600))
	if err != nil {
		c.Fatal(err)
	}
	c.Root, c.project = checkout, name
}
