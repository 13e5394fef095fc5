package sdk

import (
	"p"
	"q"
)

type A struct{ I }

type B struct{}

type I interface{}

type J interface{}

var _ I = A{}
var _ J = A{}
var _ I = B{}

var _ = p.Load()
var _ = q.Name
