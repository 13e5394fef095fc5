package main

import (
	"fmt"

	"portfolio-infra/internal/sandbox/emulator"
)

// summary counts calls for a person.
func summary(calls []emulator.Call) string {
	writes := 0
	for _, c := range calls {
		if c.Write() {
			writes++
		}
	}
	return fmt.Sprintf("calls: %d reads, %d writes", len(calls)-writes, writes)
}
