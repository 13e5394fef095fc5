package sdk

import (
	"p"
)

type A struct{ I }

type I interface{}

var _ I = A{}

var _ = p.Load()
