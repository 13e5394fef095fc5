package sdk

import (
	"p"
)

type A struct{ I }

type I interface{}

var _ = p.Load()
