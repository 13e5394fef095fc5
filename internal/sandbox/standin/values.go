package standin

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
)

// text returns a string property, or "".
func text(m property.Map, key string) string {
	if v := m.Get(key); v.IsString() {
		return v.AsString()
	}
	return ""
}

// texts returns a property that is a list of strings, or nil.
func texts(m property.Map, key string) []string {
	v := m.Get(key)
	if !v.IsArray() {
		return nil
	}
	var all []string
	for _, item := range v.AsArray().All {
		if item.IsString() {
			all = append(all, item.AsString())
		}
	}
	return all
}

// with returns m, overwritten by the members of all.
func with(m property.Map, all map[string]property.Value) property.Map {
	for k, v := range all {
		m = m.Set(k, v)
	}
	return m
}

// diff compares inputs, member by member. A change of a member in replace requires a
// replacement.
func diff(old, inputs property.Map, replace ...string) p.DiffResponse {
	r := p.DiffResponse{DetailedDiff: map[string]p.PropertyDiff{}}
	keys := old.AsMap()
	maps.Copy(keys, inputs.AsMap())
	for key := range keys {
		a, had := old.GetOk(key)
		b, has := inputs.GetOk(key)
		if had == has && a.Equals(b) {
			continue
		}
		kind := p.Update
		switch {
		case slices.Contains(replace, key):
			kind = p.UpdateReplace
		case !had:
			kind = p.Add
		case !has:
			kind = p.Delete
		}
		r.HasChanges = true
		r.DetailedDiff[key] = p.PropertyDiff{Kind: kind, InputDiff: true}
	}
	return r
}

// unknown returns the state of a preview: the inputs, and outputs that are not known yet.
func unknown(inputs property.Map, keys ...string) property.Map {
	for _, key := range keys {
		inputs = inputs.Set(key, property.New(property.Computed))
	}
	return inputs
}

// like returns the members of v that shape has, too.
func like(shape, v property.Value) property.Value {
	if !shape.IsMap() || !v.IsMap() {
		return v
	}
	m := property.Map{}
	for key, member := range shape.AsMap().All {
		if now := like(member, v.AsMap().Get(key)); !now.IsNull() {
			m = m.Set(key, now)
		}
	}
	return property.New(m)
}

// put returns old, overwritten by the members of v that are not null.
func put(old, v property.Value) property.Value {
	if v.IsNull() {
		return old
	}
	if !v.IsMap() {
		return v
	}
	m := property.Map{}
	if old.IsMap() {
		m = old.AsMap()
	}
	for key, member := range v.AsMap().All {
		if now := put(m.Get(key), member); !now.IsNull() {
			m = m.Set(key, now)
		}
	}
	return property.New(m)
}

// fromJSON returns a value of the API with the inputs' names.
func fromJSON(v any) property.Value {
	switch v := v.(type) {
	case map[string]any:
		m := property.Map{}
		for name, member := range v {
			m = m.Set(camel(name), fromJSON(member))
		}
		return property.New(m)
	case []any:
		var all []property.Value
		for _, item := range v {
			all = append(all, put(property.Value{}, fromJSON(item)))
		}
		return property.New(all)
	case bool:
		return property.New(v)
	case float64:
		return property.New(v)
	case string:
		return property.New(v)
	default:
		return property.Value{}
	}
}

// toJSON returns a value in the API's form.
func toJSON(v property.Value) any {
	switch {
	case v.IsMap():
		m := map[string]any{}
		for key, member := range v.AsMap().All {
			m[snake(key)] = toJSON(member)
		}
		return m
	case v.IsArray():
		all := []any{}
		for _, item := range v.AsArray().All {
			all = append(all, toJSON(item))
		}
		return all
	case v.IsBool():
		return v.AsBool()
	case v.IsNumber():
		return v.AsNumber()
	case v.IsString():
		return v.AsString()
	default:
		return nil
	}
}

var wordPattern = regexp.MustCompile(`_([a-z])|([A-Z])`)

// camel turns a name of the API into one of the plugin; snake turns it back.
func camel(name string) string {
	return wordPattern.ReplaceAllStringFunc(name, func(s string) string { return strings.ToUpper(s[len(s)-1:]) })
}

func snake(name string) string {
	return wordPattern.ReplaceAllStringFunc(name, func(s string) string { return "_" + strings.ToLower(s) })
}
