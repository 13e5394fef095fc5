// Portfolio-infra is the Pulumi program of a Cloudflare Pages site, its API Worker and
// its TiDB Cloud database, and the commands that bind the site to the Worker and deploy it.
//
//	portfolio            the Pulumi program, run by the Pulumi engine
//	portfolio bind       set the Pages project's service bindings
//	portfolio unbind     remove them
//	portfolio deploy     deploy a folder to the Pages project
//	portfolio undeploy   delete nothing; with a project, deployments that keep it from being deleted
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"portfolio-infra/internal/pages"
	"portfolio-infra/internal/stack"
)

func main() {
	if len(os.Args) == 1 {
		pulumi.Run(stack.Program{}.Run)
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Getenv))
}

const usage = `usage: portfolio [bind | unbind | deploy | undeploy]
       portfolio undeploy [-others] PROJECT

Without a command it is the Pulumi program, which the Pulumi engine runs:
pulumi preview, pulumi up, pulumi destroy.

  bind       set the Pages project's service bindings
  unbind     remove them
  deploy     deploy a folder to the Pages project
  undeploy   delete nothing: deployments go with their project

The stack runs these commands. They read a JSON request from standard input, and
the token from CLOUDFLARE_API_TOKEN.

You run undeploy with a PROJECT where Cloudflare refuses to delete that Pages
project for its many deployments. It deletes no more than needed: those that the
stack made, the oldest first, and never the live one. With -others it goes on with
those that somebody else made. It reads CLOUDFLARE_API_TOKEN and
CLOUDFLARE_ACCOUNT_ID.
`

// run runs a sub-command and returns its exit code, which is 2 for a usage error.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer, getenv func(string) string) int {
	command, args := args[0], args[1:]
	var err error
	switch {
	case command == "help" || command == "-h" || command == "--help":
		fmt.Fprint(stdout, usage)
		return 0
	case !slices.Contains([]string{"bind", "unbind", "deploy", "undeploy"}, command):
		fmt.Fprintf(stderr, "portfolio: unknown command %q: use bind, unbind, deploy or undeploy, or none to run the Pulumi program\n", command)
		return 2
	case command == "undeploy" && len(args) > 0:
		others := args[0] == "-others" || args[0] == "--others"
		if others {
			args = args[1:]
		}
		if len(args) != 1 || strings.HasPrefix(args[0], "-") {
			fmt.Fprintln(stderr, "portfolio: undeploy takes one Pages project: bin/portfolio undeploy [-others] PROJECT")
			return 2
		}
		err = pages.Undeploy(ctx, args[0], others, stderr, getenv)
	case len(args) > 0:
		fmt.Fprintf(stderr, "portfolio: %s takes no arguments: it reads a JSON request from standard input\n", command)
		return 2
	default:
		err = pages.Run(ctx, command, stdin, stdout, stderr, getenv)
	}
	if err != nil {
		fmt.Fprintf(stderr, "portfolio: %v\n", err)
		return 1
	}
	return 0
}
