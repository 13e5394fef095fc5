package stack

import "github.com/pulumi/pulumi/sdk/v3/go/common/resource"

// What a hook is given of a resource: its inputs, with secrets and outputs around them.

// textOf returns the text of an input, or "" if it is none.
func textOf(inputs resource.PropertyMap, key resource.PropertyKey) string {
	s, _ := unwrap(inputs[key]).V.(string)
	return s
}

// unwrap returns the value inside of secrets and outputs.
func unwrap(v resource.PropertyValue) resource.PropertyValue {
	for {
		switch {
		case v.IsSecret():
			v = v.SecretValue().Element
		case v.IsOutput():
			v = v.OutputValue().Element
		default:
			return v
		}
	}
}
