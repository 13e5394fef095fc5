// Package internal holds what the packages of the SDK share.
package internal

// PkgVersion returns the version of the SDK.
func PkgVersion() (string, error) { return "2.3.4", nil }

// Token makes a type token.
func Token(member string) string { return "toy:index/" + member }
