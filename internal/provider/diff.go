package provider

import (
	"reflect"

	p "github.com/pulumi/pulumi-go-provider"
)

// differ collects a [p.DiffResponse].
type differ struct {
	properties map[string]p.PropertyDiff
}

func newDiff() *differ { return &differ{properties: map[string]p.PropertyDiff{}} }

// input compares the recorded and the wanted value of an input.
func (d *differ) input(property string, old, want any) {
	if reflect.DeepEqual(old, want) {
		return
	}
	kind := p.Update
	switch {
	case unset(old):
		kind = p.Add
	case unset(want):
		kind = p.Delete
	}
	d.properties[property] = p.PropertyDiff{Kind: kind, InputDiff: true}
}

// identity is input for one whose change replaces the resource. It tells whether it
// changed.
func (d *differ) identity(property, old, want string) bool {
	if old == want {
		return false
	}
	d.input(property, old, want)
	d.replace(property)
	return true
}

func unset(v any) bool {
	r := reflect.ValueOf(v)
	return (r.Kind() == reflect.Pointer || r.Kind() == reflect.Map || r.Kind() == reflect.Slice) && r.IsNil()
}

// has tells whether a property differs already.
func (d *differ) has(property string) bool {
	_, ok := d.properties[property]
	return ok
}

// drift notes a property whose live value is not the wanted one.
func (d *differ) drift(property string) {
	if !d.has(property) {
		d.properties[property] = p.PropertyDiff{Kind: p.Update}
	}
}

// drifted is drift if the recorded and the live value of an output differ.
func (d *differ) drifted(property string, recorded, live any) {
	if recorded != live {
		d.drift(property)
	}
}

// lost notes a property that is no more.
func (d *differ) lost(property string) {
	d.properties[property] = p.PropertyDiff{Kind: p.Delete}
}

// replace makes the difference of a property a reason for a replacement.
func (d *differ) replace(property string) {
	diff := d.properties[property]
	switch diff.Kind {
	case p.Add:
		diff.Kind = p.AddReplace
	case p.Delete:
		diff.Kind = p.DeleteReplace
	default:
		diff.Kind = p.UpdateReplace
	}
	d.properties[property] = diff
}

// response is the result. In a replacement the old resource always goes before the
// new one comes: both may have the same name, and there is a quota for clusters.
func (d *differ) response() p.DiffResponse {
	return p.DiffResponse{
		HasChanges:          len(d.properties) > 0,
		DeleteBeforeReplace: true,
		DetailedDiff:        d.properties,
	}
}
