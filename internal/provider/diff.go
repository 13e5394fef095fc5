package provider

import (
	"reflect"
	"strings"

	p "github.com/pulumi/pulumi-go-provider"
)

// differ collects a [p.DiffResponse].
type differ struct {
	properties map[string]p.PropertyDiff
}

func newDiff() *differ { return &differ{properties: map[string]p.PropertyDiff{}} }

// inputs adds each input that is not as recorded. It reports whether one of them replaces the
// resource, which has the tag replaceOnChanges.
func (d *differ) inputs(recorded, want any) (replaces bool) {
	was, is := reflect.ValueOf(recorded), reflect.ValueOf(want)
	for _, field := range reflect.VisibleFields(was.Type()) {
		old, now := was.FieldByIndex(field.Index), is.FieldByIndex(field.Index)
		if field.Anonymous || reflect.DeepEqual(old.Interface(), now.Interface()) {
			continue
		}
		kind := p.Update
		switch {
		case strings.Contains(field.Tag.Get("provider"), "replaceOnChanges"):
			kind, replaces = p.UpdateReplace, true
		case unset(old):
			kind = p.Add
		case unset(now):
			kind = p.Delete
		}
		d.properties[inputName(field)] = p.PropertyDiff{Kind: kind, InputDiff: true}
	}
	return replaces
}

// inputName returns the name of the input that a field of an Args struct holds.
func inputName(field reflect.StructField) string {
	name, _, _ := strings.Cut(field.Tag.Get("pulumi"), ",")
	return name
}

func unset(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer, reflect.Map, reflect.Slice:
		return v.IsNil()
	}
	return false
}

// change adds a part of an input, such as an entry of a map.
func (d *differ) change(path string, kind p.DiffKind) {
	d.properties[path] = p.PropertyDiff{Kind: kind, InputDiff: true}
}

// has reports whether a property differs already.
func (d *differ) has(property string) bool {
	_, ok := d.properties[property]
	return ok
}

// ignore removes properties whose difference has no effect.
func (d *differ) ignore(properties ...string) {
	for _, property := range properties {
		delete(d.properties, property)
	}
}

// drift adds a property whose live value differs from the wanted one.
func (d *differ) drift(property string) {
	if !d.has(property) {
		d.properties[property] = p.PropertyDiff{Kind: p.Update}
	}
}

// response returns the result. A replacement always deletes first, see the package comment.
func (d *differ) response() p.DiffResponse {
	return p.DiffResponse{
		HasChanges:          len(d.properties) > 0,
		DeleteBeforeReplace: true,
		DetailedDiff:        d.properties,
	}
}
