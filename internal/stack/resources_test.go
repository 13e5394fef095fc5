package stack

import (
	"cmp"
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
	types := map[string]string{"string": "string", "int": "integer", "bool": "boolean", "StringOutput": "string", "IntOutput": "integer",
		"BoolOutput": "boolean", "map[string]string": "object", "[]string": "array", "": "object"}
	for token, test := range map[string]struct{ inputs, outputs reflect.Type }{
		"tidbcloud:index:Cluster":    {reflect.TypeFor[clusterArgs](), reflect.TypeFor[Cluster]()},
		"tidbcloud:index:SqlUser":    {reflect.TypeFor[sqlUserArgs](), reflect.TypeFor[SQLUser]()},
		"tidbcloud:index:Database":   {reflect.TypeFor[databaseArgs](), reflect.TypeFor[Database]()},
		"tidbcloud:index:Migrations": {reflect.TypeFor[migrationsArgs](), reflect.TypeFor[Migrations]()},
	} {
		t.Run(token, func(t *testing.T) {
			// compare returns the names of the fields that are properties.
			compare := func(fields reflect.Type, want properties) map[string]bool {
				names := map[string]bool{}
				for i := range fields.NumField() {
					field := fields.Field(i)
					name, kind := field.Tag.Get("pulumi"), field.Type
					if name == "" {
						continue
					}
					names[name] = true
					if kind.Kind() == reflect.Pointer {
						kind = kind.Elem()
					}
					if types[cmp.Or(kind.Name(), kind.String())] != want[name].Type {
						t.Errorf("%s is of type %s, and %q in the schema", name, kind, want[name].Type)
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
