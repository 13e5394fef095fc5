package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// state is the part of the output of `pulumi stack export` that the commands read.
// https://github.com/pulumi/pulumi/blob/v3.256.0/sdk/go/common/apitype/core.go
type state struct {
	Deployment struct {
		Resources []resource `json:"resources"`
	} `json:"deployment"`
}

// resource is a resource of a state. In a state each comes after those that it depends on.
type resource struct {
	URN    string `json:"urn"`
	Type   string `json:"type"`
	Custom bool   `json:"custom"` // false for a component

	Parent               string              `json:"parent"`
	Provider             string              `json:"provider"` // URN::ID
	Dependencies         []string            `json:"dependencies"`
	PropertyDependencies map[string][]string `json:"propertyDependencies"`
	DeletedWith          string              `json:"deletedWith"`
	ReplaceWith          []string            `json:"replaceWith"`
}

// readState reads a state. An empty input has no resources.
func readState(in io.Reader) ([]resource, error) {
	b, err := io.ReadAll(in)
	if err != nil || len(bytes.TrimSpace(b)) == 0 {
		return nil, err
	}
	var s struct {
		state
		Version *int `json:"version"`
	}
	switch err := json.Unmarshal(b, &s); {
	case err != nil:
		return nil, fmt.Errorf("reading the state from standard input: %w", err)
	case s.Version == nil:
		return nil, fmt.Errorf("standard input is not the output of `pulumi stack export`")
	}
	return s.Deployment.Resources, nil
}

// kept reports whether a resource may stay in the state of an environment that is gone: nothing in
// a cloud belongs to a component, or to what the engine itself provides, such as a stash.
func (r resource) kept() bool { return !r.Custom || strings.HasPrefix(r.Type, "pulumi:") }
