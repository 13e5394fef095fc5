package sdk

import "p"

type A struct{}

type B struct{}

type module struct{}

func (module) Construct(typ string) any {
	switch typ {
	case "x:a:A", "x:b:B":
		return &A{}
	}
	return &B{}
}

func init() { p.RegisterResourceModule("x", "a", &module{}) }
