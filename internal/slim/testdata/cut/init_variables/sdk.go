package sdk

import (
	"p"
	"q"
)

type A struct{}

type B struct{}

type module struct{ version string }

func (*module) Construct(typ string) any {
	switch typ {
	case "x:a:A":
		return &A{}
	case "x:b:B":
		return &B{}
	}
	return nil
}

var version = 1

func init() {
	// Two pieces share it, and it hides a declaration.
	version, err := p.Version()
	if err != nil {
		version = "1"
	}
	p.RegisterResourceModule("x", "a", &module{version})
	p.RegisterResourceModule("x", "b", &module{version})
}

func init() {
	// It goes with the only piece that needs it.
	version := q.Version()
	p.RegisterResourceModule("x", "b", &module{version})
}
