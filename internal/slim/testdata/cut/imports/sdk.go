package sdk

import (
	"example.com/a/v2"
	_ "example.com/d"
	"example.com/e"
	b "example.com/x"
	"gopkg.in/c.v3"
)

var A = a.A + b.B + c.C
var B = e.E
