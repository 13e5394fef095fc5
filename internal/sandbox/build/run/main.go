// Command run builds the program, and of the arguments cli and tidb what is missing. See
// [portfolio-infra/internal/sandbox/build].
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"portfolio-infra/internal/sandbox/build"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root, err := os.Getwd()
	if err == nil {
		err = build.Make(ctx, root, os.LookupEnv, os.Stderr, slices.Contains(os.Args, "cli"), slices.Contains(os.Args, "tidb"))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
