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
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"portfolio-infra/internal/environment/report"
)

// process is what a command may use of the process.
type process struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	getenv         func(string) string
	// transport sends the requests to the clouds. Nil is the default one.
	transport http.RoundTripper
	// folder is that of the project, which is the working directory if it is empty.
	folder string
}

var commands = map[string]func(ctx context.Context, p process, args []string) error{
	"marked": runMarked,
	"due":    runDue,
	"forget": runForget,
	"verify": runVerify,
	"report": func(ctx context.Context, p process, args []string) error {
		return report.Run(ctx, args, p.stdin, p.stdout, p.getenv)
	},
}

// usageError is an error of the command line. It says how a command is used.
type usageError string

func (u usageError) Error() string { return "usage: environment " + string(u) }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, process{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, getenv: os.Getenv}, os.Args[1:]))
}

// run runs a command and returns its exit code, which is 2 for a usage error.
func run(ctx context.Context, p process, args []string) int {
	if len(args) == 0 || commands[args[0]] == nil {
		fmt.Fprintf(p.stderr, "usage: environment COMMAND, which is one of %s\n", strings.Join(slices.Sorted(maps.Keys(commands)), ", "))
		return 2
	}
	err := commands[args[0]](ctx, p, args[1:])
	var usage usageError
	switch {
	case errors.As(err, &usage):
		fmt.Fprintln(p.stderr, usage)
		return 2
	case err != nil:
		fmt.Fprintf(p.stderr, "environment: %s: %v\n", args[0], err)
		return 1
	}
	return 0
}
