package provider_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"gopkg.in/yaml.v3"
)

// useSDK is a Pulumi program in Go with the SDK. It is no command, so that nothing is linked.
const useSDK = `package program

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"portfolio-infra/sdk/go/tidbcloud"
)

func Program(ctx *pulumi.Context) error {
	cluster, err := tidbcloud.NewCluster(ctx, "db", &tidbcloud.ClusterArgs{
		DisplayName: pulumi.String("shop"), Region: pulumi.String("regions/aws-us-east-1"), Owner: pulumi.String("shop.prod"),
	})
	if err != nil {
		return err
	}
	_, err = tidbcloud.NewSqlUser(ctx, "app", &tidbcloud.SqlUserArgs{ClusterId: cluster.ID(), Name: pulumi.String("app")})
	return err
}
`

// Pulumi's own code accepts the schema, and makes SDKs of it for other programs. The one for Go
// compiles.
func TestSchema_sdks(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	command := func(input []byte, args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "go", args...)
		cmd.Dir, cmd.Stdin = root, bytes.NewReader(input)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("go %s: %v: %s", args[0], err, out)
		}
	}
	schema, err := json.Marshal(spec(t))
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	write := func(name string, content []byte) string {
		t.Helper()
		file := filepath.Join(folder, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, content, 0o600)); err != nil {
			t.Fatal(err)
		}
		return file
	}
	command(schema, "run", "-trimpath", "./internal/provider/testdata/sdk", folder)
	for name, want := range map[string]string{
		"go/go.mod":           "module portfolio-infra/sdk/go\n",
		"nodejs/package.json": `"name": "@pulumi/tidbcloud",`,
		"nodejs/cluster.ts":   "export class Cluster extends pulumi.CustomResource",
	} {
		if content, err := os.ReadFile(filepath.Join(folder, name)); err != nil || !bytes.Contains(content, []byte(want)) {
			t.Errorf("%s: %v: %s", name, err, content)
		}
	}
	// The overlay puts the SDK into this module, whose go.mod has what it needs.
	write("go/program/program.go", []byte(useSDK))
	sources := map[string]string{}
	err = filepath.WalkDir(filepath.Join(folder, "go"), func(file string, _ os.DirEntry, err error) error {
		if name, _ := filepath.Rel(folder, file); filepath.Ext(file) == ".go" {
			sources[filepath.Join(root, "sdk", name)] = file
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	overlay, err := json.Marshal(map[string]any{"Replace": sources})
	if err != nil {
		t.Fatal(err)
	}
	command(nil, "build", "-trimpath", "-overlay", write("overlay.json", overlay), "./sdk/go/...")
}

// The document's program has the schema's types and properties, and all required ones.
func TestSchema_example(t *testing.T) {
	text, err := os.ReadFile("../../docs/provider.md")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindSubmatch(text)
	if found == nil {
		t.Fatal("there is none")
	}
	var program struct {
		Resources map[string]struct {
			Type       string
			Properties map[string]any
		}
	}
	if err := yaml.Unmarshal(found[1], &program); err != nil {
		t.Fatal(err)
	}
	resources := dig(spec(t), "resources")
	for name, r := range program.Resources {
		if dig(resources, r.Type) == nil {
			t.Errorf("%s: the schema has no %s", name, r.Type)
			continue
		}
		required, _ := dig(resources, r.Type, "requiredInputs").([]any)
		for _, input := range required {
			if r.Properties[input.(string)] == nil {
				t.Errorf("%s lacks %s", name, input)
			}
		}
		for input := range r.Properties {
			if dig(resources, r.Type, "inputProperties", input) == nil {
				t.Errorf("%s has no input %s", name, input)
			}
		}
	}
	references := 0
	for _, found := range regexp.MustCompile(`\$\{(\w+)\.(\w+)}`).FindAllStringSubmatch(string(found[1]), -1) {
		if resource, property := found[1], found[2]; resource != "pulumi" {
			references++
			if property != "id" && dig(resources, program.Resources[resource].Type, "properties", property) == nil {
				t.Errorf("there is no %s", found[0])
			}
		}
	}
	if len(program.Resources) < 3 || references == 0 {
		t.Errorf("%d resources, %d references", len(program.Resources), references)
	}
}
