package toy

import (
	"fmt"
	"os"
	"strings"
)

// What generated SDKs have seldom, and what a program may meet all the same.

// Catalog is filled by an init function.
var Catalog = map[string]func() any{}

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

func init() {
	// The helper comes along with the statement that calls it.
	register("ball", func() any { return Ball{} })
	register("robot", func() any { return Robot{} })
	spare := &Robot{}
	if spare != nil {
		register("spare", func() any { return spare })
	}
	count := 0
	for range 2 {
		count++
	}
	Catalog["count"] = func() any { return count }
}

func register(name string, make func() any) { Catalog[name] = make }
