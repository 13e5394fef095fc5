// Portfolio-infra is the Pulumi program of a Cloudflare Pages site, its API Worker and
// its TiDB Cloud database, and the commands that bind the site to the Worker.
//
//	portfolio          the Pulumi program, run by the Pulumi engine
//	portfolio bind     set the Pages project's service bindings
//	portfolio unbind   remove them
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"portfolio-infra/internal/binding"
	"portfolio-infra/internal/stack"
)

func main() {
	if len(os.Args) == 1 {
		pulumi.Run(stack.Run)
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Getenv))
}

const usage = `usage: portfolio [bind | unbind]

Without a command it is the Pulumi program, which the Pulumi engine runs:
pulumi preview, pulumi up, pulumi destroy.

  bind     set the Pages project's service bindings
  unbind   remove them

The stack runs these commands. They read a JSON request from standard input, and
the token from CLOUDFLARE_API_TOKEN.
`

// run runs a sub-command and returns its exit code, which is 2 for a usage error.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer, getenv func(string) string) int {
	switch command := args[0]; command {
	case "help", "-h", "--help":
		fmt.Fprint(stdout, usage)
		return 0
	case "bind", "unbind":
		if len(args) > 1 {
			fmt.Fprintf(stderr, "portfolio: %s takes no arguments: it reads a JSON request from standard input\n", command)
			return 2
		}
		if err := binding.Run(ctx, command, stdin, stdout, getenv); err != nil {
			fmt.Fprintf(stderr, "portfolio: %v\n", err)
			return 1
		}
		return 0
	default:
		fmt.Fprintf(stderr, "portfolio: unknown command %q: use bind or unbind, or none to run the Pulumi program\n", command)
		return 2
	}
}
