package stack

import (
	"encoding/json"
	"math"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// TestResources_schema compares what the program declares, and the outputs that it reads,
// with the provider's schema, since no generated SDK does.
func TestResources_schema(t *testing.T) {
	type properties map[string]struct {
		Type string
		Ref  string `json:"$ref"` // of an object with a type of its own
	}
	var schema struct {
		Types     map[string]struct{ Properties properties }
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
	var compare func(resource string, have resource.PropertyMap, want properties)
	compare = func(resource string, have resource.PropertyMap, want properties) {
		for name, value := range have {
			of, inSchema := want[string(name)]
			if of.Ref != "" {
				compare(resource+"."+string(name), unwrap(value).ObjectValue(), schema.Types[strings.TrimPrefix(of.Ref, "#/types/")].Properties)
			} else if have := jsonType(value); !inSchema || have != of.Type {
				t.Errorf("%s: the input %s is of type %s, and %q in the schema", resource, name, have, of.Type)
			}
		}
	}
	declared := map[string]bool{}
	for file := range goldens {
		for _, r := range runGolden(t, file).registered {
			if !strings.HasPrefix(r.TypeToken, "tidbcloud:") {
				continue
			}
			declared[r.TypeToken] = true
			want := schema.Resources[r.TypeToken]
			compare(r.Name, r.Inputs, want.InputProperties)
			for _, name := range want.RequiredInputs {
				if !r.Inputs.HasValue(resource.PropertyKey(name)) {
					t.Errorf("%s: the required input %s is not declared", r.Name, name)
				}
			}
		}
	}
	types := map[string]string{"StringOutput": "string", "IntOutput": "integer", "BoolOutput": "boolean"}
	for token, outputs := range map[string]reflect.Type{
		"tidbcloud:index:Cluster":    reflect.TypeFor[cluster](),
		"tidbcloud:index:Branch":     reflect.TypeFor[branch](),
		"tidbcloud:index:SqlUser":    reflect.TypeFor[sqlUser](),
		"tidbcloud:index:Database":   reflect.TypeFor[sqlDatabase](),
		"tidbcloud:index:Migrations": reflect.TypeFor[appliedMigrations](),
	} {
		if !declared[token] {
			t.Errorf("%s is not declared", token)
		}
		for i := range outputs.NumField() {
			field := outputs.Field(i)
			name := field.Tag.Get("pulumi")
			if want := schema.Resources[token].Properties[name].Type; name != "" && types[field.Type.Name()] != want {
				t.Errorf("%s: the output %s is of type %s, and %q in the schema", token, name, field.Type.Name(), want)
			}
		}
	}
}

// jsonType returns the type of a value as a schema has it.
func jsonType(v resource.PropertyValue) string {
	v = unwrap(v)
	switch {
	case v.IsNumber() && v.NumberValue() == math.Trunc(v.NumberValue()):
		return "integer"
	case v.IsBool():
		return "boolean"
	case v.IsArray():
		return "array"
	}
	return v.TypeString()
}
