package stack

import (
	"encoding/json"
	"os"
	"reflect"
	"testing"
)

// TestResources_schema compares the program's own types with the provider's schema,
// since no generated SDK does.
func TestResources_schema(t *testing.T) {
	type properties map[string]struct{ Type string }
	var schema struct {
		Resources map[string]struct {
			Properties, InputProperties properties
			RequiredInputs              []string
		}
	}
	b, err := os.ReadFile("../provider/testdata/schema.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &schema); err != nil {
		t.Fatal(err)
	}
	types := map[string]string{"StringInput": "string", "StringPtrInput": "string", "IntInput": "integer", "IntPtrInput": "integer", "BoolPtrInput": "boolean",
		"StringArrayInput": "array", "StringMapInput": "object", "StringOutput": "string", "IntOutput": "integer", "BoolOutput": "boolean"}
	for token, test := range map[string]struct{ inputs, outputs reflect.Type }{
		"tidbcloud:index:Cluster":    {reflect.TypeFor[ClusterArgs](), reflect.TypeFor[Cluster]()},
		"tidbcloud:index:SqlUser":    {reflect.TypeFor[SQLUserArgs](), reflect.TypeFor[SQLUser]()},
		"tidbcloud:index:Database":   {reflect.TypeFor[DatabaseArgs](), reflect.TypeFor[Database]()},
		"tidbcloud:index:Migrations": {reflect.TypeFor[MigrationsArgs](), reflect.TypeFor[Migrations]()},
	} {
		t.Run(token, func(t *testing.T) {
			// compare returns the names of the fields that are properties.
			compare := func(fields reflect.Type, want properties) map[string]bool {
				names := map[string]bool{}
				for _, field := range reflect.VisibleFields(fields) {
					name := field.Tag.Get("pulumi")
					if name == "" || !field.IsExported() {
						continue
					}
					names[name] = true
					if kind := types[field.Type.Name()]; kind == "" || kind != want[name].Type {
						t.Errorf("%s is of type %s, and %q in the schema", name, field.Type, want[name].Type)
					}
				}
				return names
			}
			resource := schema.Resources[token]
			compare(test.outputs, resource.Properties)
			inputs := compare(test.inputs, resource.InputProperties)
			for _, name := range resource.RequiredInputs {
				if !inputs[name] {
					t.Errorf("the required input %s is not declared", name)
				}
			}
		})
	}
}
