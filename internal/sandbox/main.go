// Sandbox runs the stack offline: the real Pulumi engine and the real program
// against emulated clouds, on a machine that has nothing but Go.
//
// It is a command of its own, so that the deployed program stays lean. The
// program runs as an inline program of Pulumi's Automation API, with the same
// function that a plain `pulumi up` runs, because that needs no language host.
// State, the emulated clouds and the log of calls lie in .sandbox/, so a second
// run finds what the first one made. Nothing is written anywhere else.
//
// https://www.pulumi.com/docs/iac/automation-api/
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"syscall"

	"gopkg.in/yaml.v3"
)

const usage = `sandbox runs the stack offline, against emulated clouds.

usage: sandbox COMMAND [flags]

  up        make the stack as the program says
  preview   show what up would do
  refresh   look for drift
  destroy   remove the stack
  output    print the stack's outputs    [-show-secrets] [NAME]
  sql       run one statement as the application; without one, say how to connect
            [-admin: as the stack's admin, to make tables] [-password: print just that]
            [-real: of the stack that pulumi works on here] ["SELECT 1"]
  cancel    unlock the state after a run was killed
  serve     run the emulated clouds alone and print the environment for any client
            [-detach: in the background] [-stop: end the one in the background]
  matrix    kill the engine at each of its calls, and see that the next run converges
            [-sample: one call of each kind] [-workers N]
  cli       find the Pulumi CLI, or build it

flags of up, preview, refresh and destroy:
  -c KEY=VALUE   set a config value for this run; may be given several times
  -served        use the clouds that "sandbox serve" runs, in its environment (sql has it too)
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// errUsage is a command line that cannot be understood.
var errUsage = errors.New("see: sandbox help")

// run runs a command and returns its exit code: 2 for a usage error.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	err := dispatch(ctx, args, stdout, stderr)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(stdout, usage)
		return 0
	case errors.Is(err, errUsage):
		fmt.Fprintf(stderr, "sandbox: %v\n", err)
		return 2
	default:
		fmt.Fprintf(stderr, "sandbox: %v\n", err)
		return 1
	}
}

func dispatch(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) == 0 {
		return fmt.Errorf("no command: %w", errUsage)
	}
	sb, err := newSandbox(stdout, stderr)
	if err != nil {
		return err
	}
	verb, args := args[0], args[1:]
	flags := flag.NewFlagSet(verb, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	switch verb {
	case "up", "preview", "refresh", "destroy":
		flags.Func("c", "set a config value", sb.setConfig)
		flags.BoolFunc("served", "use the clouds that another process serves", sb.useServed)
		if err := parse(flags, args, 0); err != nil {
			return err
		}
		return sb.operate(ctx, verb)
	case "output":
		secrets := flags.Bool("show-secrets", false, "show secrets")
		if err := parse(flags, args, 1); err != nil {
			return err
		}
		return sb.output(ctx, flags.Arg(0), *secrets)
	case "sql":
		var r sqlRequest
		flags.BoolVar(&r.real, "real", false, "of the stack that pulumi works on here")
		flags.BoolVar(&r.admin, "admin", false, "as the stack's admin")
		flags.BoolVar(&r.password, "password", false, "print just the password")
		flags.BoolFunc("served", "use the clouds that another process serves", sb.useServed)
		if err := parse(flags, args, 1); err != nil {
			return err
		}
		r.query = flags.Arg(0)
		return sb.sql(ctx, r)
	case "cancel":
		if err := parse(flags, args, 0); err != nil {
			return err
		}
		return sb.cancel(ctx)
	case "serve":
		detach := flags.Bool("detach", false, "serve in the background")
		end := flags.Bool("stop", false, "end the one in the background")
		if err := parse(flags, args, 0); err != nil {
			return err
		}
		return sb.serve(ctx, *detach, *end)
	case "matrix":
		sample := flags.Bool("sample", false, "kill one call of each kind")
		workers := flags.Int("workers", 2, "how many trials run side by side")
		if err := parse(flags, args, 0); err != nil {
			return err
		}
		if *workers < 1 {
			return fmt.Errorf("matrix: -workers %d: it takes one at least: %w", *workers, errUsage)
		}
		return sb.matrix(ctx, *sample, *workers)
	case "cli":
		if err := parse(flags, args, 0); err != nil {
			return err
		}
		_, err := ensureCLI(ctx, sb.root, stderr)
		return err
	case "help", "-h", "-help", "--help":
		return flag.ErrHelp
	default:
		return fmt.Errorf("unknown command %q: %w", verb, errUsage)
	}
}

// parse reads flags and at most so many arguments.
func parse(flags *flag.FlagSet, args []string, most int) error {
	if err := flags.Parse(args); err != nil {
		return fmt.Errorf("%s: %w: %w", flags.Name(), err, errUsage)
	}
	if flags.NArg() > most {
		return fmt.Errorf("%s: unexpected argument %q: %w", flags.Name(), flags.Arg(most), errUsage)
	}
	return nil
}

// useServed says that the environment names clouds which are being served. They
// must be on this machine: this command never talks to the real ones.
func (s *sandbox) useServed(string) error {
	for _, name := range []string{"CLOUDFLARE_BASE_URL", "TIDBCLOUD_SERVERLESS_ENDPOINT", "TIDBCLOUD_IAM_ENDPOINT"} {
		if !strings.HasPrefix(os.Getenv(name), "http://127.0.0.1:") {
			return fmt.Errorf("%s is not that of `sandbox serve`: run eval \"$(bin/sandbox serve -detach)\" first", name)
		}
	}
	s.served = true
	return nil
}

// keyPattern is a config key, with a namespace or without.
var keyPattern = regexp.MustCompile(`^([A-Za-z0-9_.-]+:)?[A-Za-z0-9_.-]+$`)

// setConfig notes a config value of the form KEY=VALUE for this run; objects and
// lists are YAML.
func (s *sandbox) setConfig(pair string) error {
	key, value, ok := strings.Cut(pair, "=")
	if !ok || key == "" {
		return fmt.Errorf("%q is not KEY=VALUE", pair)
	}
	if !keyPattern.MatchString(key) {
		return fmt.Errorf("%q is not the name of a config value", key)
	}
	if !strings.Contains(key, ":") {
		key = projectName + ":" + key
	}
	s.config[key] = value
	if strings.HasPrefix(value, "{") || strings.HasPrefix(value, "[") {
		var object any
		if err := yaml.Unmarshal([]byte(value), &object); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		s.config[key] = object
	}
	return nil
}
