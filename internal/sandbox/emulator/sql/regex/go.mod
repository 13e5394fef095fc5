// This module takes the place of its namesake, by a replace in the go.mod of the
// repository: see regex.go.
module github.com/dolthub/go-icu-regex

go 1.25.11
