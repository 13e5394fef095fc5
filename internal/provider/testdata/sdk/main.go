// Sdk checks a provider's schema and makes SDKs from it, as `pulumi schema check` and `pulumi
// package add` do: sdk FOLDER < SCHEMA. The folder gets an SDK for each language.
//
// It is below testdata because `go mod tidy` would otherwise add to go.mod what the tests of
// Pulumi's code generators need, such as the SDKs of the big clouds.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	gogen "github.com/pulumi/pulumi/pkg/v3/codegen/go"
	"github.com/pulumi/pulumi/pkg/v3/codegen/nodejs"
	"github.com/pulumi/pulumi/pkg/v3/codegen/schema"
)

// none loads no other schemas, since this one refers to none.
var none struct{ schema.ReferenceLoader }

func main() {
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(folder string) error {
	var spec schema.PackageSpec
	if err := json.NewDecoder(os.Stdin).Decode(&spec); err != nil {
		return err
	}
	// Each generator needs a package of its own, since it changes what it gets.
	bind := func() (*schema.Package, error) {
		pkg, problems, err := schema.BindSpec(spec, none, schema.ValidationOptions{})
		if err == nil && len(problems) > 0 {
			err = problems
		}
		if err != nil {
			return nil, err
		}
		pkg.SupportPack = true // as in cmd/pulumi/packages, InstallPackage
		return pkg, nil
	}
	for language, generate := range map[string]func(*schema.Package) (map[string][]byte, error){
		"go": func(pkg *schema.Package) (map[string][]byte, error) { return gogen.GeneratePackage("test", pkg, nil) },
		"nodejs": func(pkg *schema.Package) (map[string][]byte, error) {
			return nodejs.GeneratePackage("test", pkg, nil, nil, true, none)
		},
	} {
		pkg, err := bind()
		if err != nil {
			return err
		}
		files, err := generate(pkg)
		if err != nil {
			return fmt.Errorf("%s: %w", language, err)
		}
		for name, content := range files {
			file := filepath.Join(folder, language, filepath.FromSlash(name))
			if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
				return err
			}
			if err := os.WriteFile(file, content, 0o600); err != nil {
				return err
			}
		}
	}
	return nil
}
