package sdk

import "p"

type A struct{}

type module struct{}

func (module) Construct(typ string) any { return &A{} }

func init() { p.RegisterResourceModule("x", "a", &module{}) }
