package sdk

import (
	"p"
)

type A struct{}

type module struct{ version string }

func (*module) Construct(typ string) any {
	switch typ {
	case "x:a:A":
		return &A{}
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
}
