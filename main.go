// Portfolio-infra is the Pulumi program of a Cloudflare Pages site, its API
// Worker and its TiDB Cloud database, and the commands that it runs.
//
//	portfolio            the Pulumi program, run by the Pulumi engine
//	portfolio bind       set the Pages project's service bindings
//	portfolio unbind     remove them
//	portfolio deploy     deploy a folder to the Pages project
//	portfolio undeploy   delete the project's old deployments
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"portfolio-infra/internal/binding"
	"portfolio-infra/internal/deployment"
	"portfolio-infra/internal/stack"
)

func main() {
	if len(os.Args) == 1 {
		pulumi.Run(stack.Run)
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:]))
}

const usage = `usage: portfolio [bind | unbind | deploy | undeploy]

Without a command it is the Pulumi program, which the Pulumi engine runs:
pulumi preview, pulumi up, pulumi destroy.

  bind       set the Pages project's service bindings
  unbind     remove them
  deploy     deploy a folder to the Pages project
  undeploy   delete the project's deployments, except for the live one

The commands are run by the stack. They read a JSON request from standard input,
and the token from CLOUDFLARE_API_TOKEN.
`

// run runs a sub-command and returns its exit code: 2 for a usage error.
func run(ctx context.Context, args []string) int {
	verb, rest := args[0], args[1:]
	var err error
	switch verb {
	case "help", "-h", "--help":
		fmt.Print(usage)
		return 0
	case "bind", "unbind", "deploy", "undeploy":
		if len(rest) > 0 {
			fmt.Fprintf(os.Stderr, "portfolio: %s takes no arguments: it reads a JSON request from standard input\n", verb)
			return 2
		}
	default:
		fmt.Fprintf(os.Stderr, "portfolio: unknown command %q: use bind, unbind, deploy or undeploy, or none to run the Pulumi program\n", verb)
		return 2
	}
	switch verb {
	case "bind", "unbind":
		err = binding.Run(ctx, verb, os.Stdin, os.Stdout, os.Getenv)
	case "deploy", "undeploy":
		err = deployment.Run(ctx, verb, os.Stdin, os.Stdout, os.Stderr, os.Getenv)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "portfolio: %v\n", err)
		return 1
	}
	return 0
}
