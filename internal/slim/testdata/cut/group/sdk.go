package sdk

// They stay together.
var (
	A = 1 // one
	// B is not used.
	B = 2
)

var C = 3
