package stack

import (
	"encoding/json"
	"os"
	"reflect"
	"testing"
)

// TestResources_schema compares the program's own types with the provider's
// schema, since no generated SDK does.
func TestResources_schema(t *testing.T) {
	b, err := os.ReadFile("../provider/testdata/schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var schema struct {
		Resources map[string]struct {
			Properties, InputProperties map[string]struct{ Type string }
			RequiredInputs              []string
		}
	}
	if err := json.Unmarshal(b, &schema); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		token         string
		args, outputs reflect.Type
	}{
		{"tidbcloud:index:Cluster", reflect.TypeFor[clusterArgs](), reflect.TypeFor[Cluster]()},
		{"tidbcloud:index:SqlUser", reflect.TypeFor[sqlUserArgs](), reflect.TypeFor[SQLUser]()},
		{"tidbcloud:index:Database", reflect.TypeFor[databaseArgs](), reflect.TypeFor[Database]()},
	} {
		resource, ok := schema.Resources[test.token]
		if !ok {
			t.Fatalf("the provider has no %s", test.token)
		}
		declared := map[string]bool{}
		for i := range test.args.NumField() {
			field := test.args.Field(i)
			name := field.Tag.Get("pulumi")
			declared[name] = true
			kind := field.Type
			if kind.Kind() == reflect.Pointer {
				kind = kind.Elem()
			}
			want := map[reflect.Kind]string{reflect.String: "string", reflect.Int: "integer", reflect.Bool: "boolean"}[kind.Kind()]
			if have := resource.InputProperties[name].Type; have != want {
				t.Errorf("%s: input %s is of type %q, and %q in the schema", test.token, name, want, have)
			}
		}
		for _, name := range resource.RequiredInputs {
			if !declared[name] {
				t.Errorf("%s: the required input %s is not declared", test.token, name)
			}
		}
		for i := range test.outputs.NumField() {
			field := test.outputs.Field(i)
			name := field.Tag.Get("pulumi")
			if name == "" {
				continue
			}
			want := map[string]string{"StringOutput": "string", "IntOutput": "integer"}[field.Type.Name()]
			if have := resource.Properties[name].Type; have != want {
				t.Errorf("%s: output %s is of type %q, and %q in the schema", test.token, name, want, have)
			}
		}
	}
}
