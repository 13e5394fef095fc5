// Package config reads the provider's configuration.
package config

import (
	"example.com/pulumi-toy/sdk/v2/go/toy"
	"example.com/pulumi-toy/sdk/v2/go/toy/internal"
)

// DefaultColor is a name of the cut package that only a package which is copied whole uses.
const DefaultColor = toy.ColorRed

// GetToken returns the configured token.
func GetToken() string { return internal.Token("config") }
