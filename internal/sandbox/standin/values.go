package standin

import (
	"maps"
	"slices"

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

// with returns m with the members of all put over it.
func with(m property.Map, all map[string]property.Value) property.Map {
	for k, v := range all {
		m = m.Set(k, v)
	}
	return m
}

// diff compares inputs, member by member. A change of a member of replace makes
// a replacement.
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

// unknown returns the state of a preview: the inputs, and outputs that are known only
// afterwards.
func unknown(inputs property.Map, keys ...string) property.Map {
	for _, key := range keys {
		inputs = inputs.Set(key, property.New(property.Computed))
	}
	return inputs
}
