// Environment is what the workflow of pull requests' environments runs beside pulumi.
//
//	environment marked             print the pull requests whose marked things are in the clouds
//	environment due                print the pull requests whose environment is over
//	environment forget             print the resources of a state that this program cannot delete
//	environment verify NUMBER      remove what an environment left, and fail unless all is gone
//	environment report             print what a pull request's comment says of its environment
//
// An environment is a stack pr-NUMBER. What belongs to it bears its mark, see
// [portfolio-infra/internal/environment/mark].
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"
)

// process is what a command may use of the process.
type process struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	getenv         func(string) string
}

var commands = map[string]func(ctx context.Context, p process, args []string) error{}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, process{os.Stdin, os.Stdout, os.Stderr, os.Getenv}, os.Args[1:]))
}

// run runs a command and returns its exit code, which is 2 for a usage error.
func run(ctx context.Context, p process, args []string) int {
	if len(args) == 0 || commands[args[0]] == nil {
		var names []string
		for name := range commands {
			names = append(names, name)
		}
		slices.Sort(names)
		fmt.Fprintf(p.stderr, "usage: environment COMMAND, which is one of %v\n", names)
		return 2
	}
	if err := commands[args[0]](ctx, p, args[1:]); err != nil {
		fmt.Fprintf(p.stderr, "environment: %v\n", err)
		return 1
	}
	return 0
}
