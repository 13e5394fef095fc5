package toy

import (
	"fmt"
	"os"
	"strings"
)

// What generated SDKs have seldom, and what a program may meet all the same.

var (
	// Greeting is taken out of its group.
	Greeting = "hello" // to everyone
	// Farewell is left behind.
	Farewell = strings.ToUpper("bye")
)

// Limit is a constant of its own.
const Limit = 10

// Describe calls what depends on the system.
func Describe() string { return platform() }

// Printer is a function type.
type Printer func(v any) string

// Print is a variable of function type.
var Print Printer = func(v any) string { return fmt.Sprint(v) }

var _ = os.Setenv("TOY_LOADED", "yes")
