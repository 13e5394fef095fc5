// Command print prints the stamp of the provider that `make build` builds.
package main

import (
	"fmt"
	"os"

	"portfolio-infra/internal/stamp"
)

func main() {
	sum, err := stamp.Sum(".")
	if err != nil {
		fmt.Fprintf(os.Stderr, "stamp: %v\n", err)
		os.Exit(1)
	}
	fmt.Println(sum)
}
