// Sandbox runs the stack offline: the real Pulumi engine and the real program against
// emulated clouds, on a machine that has nothing but Go.
//
// It is a separate command, so that the deployed program stays lean. This package has the
// table of commands and what each does, in a line or two.
// [portfolio-infra/internal/sandbox/engine] runs Pulumi,
// [portfolio-infra/internal/sandbox/clouds] runs the emulators, and neither knows the other.
// State, emulated clouds and the log of calls lie in .sandbox/, so a second run finds what the
// first one made. Nothing is written anywhere else.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"portfolio-infra/internal/sandbox/engine"
)

// command is one of the sandbox's commands.
type command struct {
	name, args, help string
	maxArgs          int
	flags            func(*sandbox, *flag.FlagSet)
	run              func(context.Context, *sandbox, string) error
}

var commands = []command{
	{"up", "", "create or update the stack", 0, operationFlags, operate("up")},
	{"preview", "", "show what up would do", 0, operationFlags, operate("preview")},
	{"refresh", "", "look for drift", 0, operationFlags, operate("refresh")},
	{"destroy", "", "remove the stack", 0, operationFlags, operate("destroy")},
	{"output", "[NAME]", "print the stack's outputs", 1, outputFlags, output},
	{"sql", "[STATEMENT]", "run one statement as the application; without one, say how to connect", 1, sqlFlags, runSQL},
	{"cancel", "", "unlock the state after a run was killed", 0, stackFlag, cancel},
	{"site", "[PROJECT]", "serve what was deployed, on Cloudflare's own runtime", 1, siteFlags, serveSite},
	{"serve", "", "run the emulated clouds alone and print the environment for any client", 0, serveFlags, serve},
}

func stackFlag(s *sandbox, flags *flag.FlagSet) {
	flags.Func("stack", "work on the stack `NAME` (default "+engine.Stack+")", s.setStack)
}

func operationFlags(s *sandbox, flags *flag.FlagSet) {
	flags.Func("c", "set `KEY=VALUE` in the config for this run; may be given several times", s.setConfig)
	stackFlag(s, flags)
	servedFlag(s, flags)
}

func servedFlag(s *sandbox, flags *flag.FlagSet) {
	flags.BoolFunc("served", "use the clouds that \"sandbox serve\" runs, in its environment", s.useServed)
}

func outputFlags(s *sandbox, flags *flag.FlagSet) {
	flags.BoolVar(&s.showSecrets, "show-secrets", false, "show secrets")
	stackFlag(s, flags)
}

func sqlFlags(s *sandbox, flags *flag.FlagSet) {
	flags.BoolVar(&s.sql.admin, "admin", false, "log in as the stack's admin, to create tables")
	flags.BoolVar(&s.sql.password, "password", false, "print just the password")
	flags.BoolVar(&s.sql.real, "real", false, "use the stack that pulumi works on here, or the one that -stack names")
	stackFlag(s, flags)
	servedFlag(s, flags)
}

func siteFlags(s *sandbox, flags *flag.FlagSet) {
	flags.StringVar(&s.siteAddress, "listen", defaultSiteAddress, "serve at `HOST:PORT`")
}

func serveFlags(s *sandbox, flags *flag.FlagSet) {
	flags.BoolVar(&s.detach, "detach", false, "serve in the background")
	flags.BoolVar(&s.stop, "stop", false, "end the server in the background")
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, &sandbox{lookup: os.LookupEnv, stdout: os.Stdout, stderr: os.Stderr}, os.Args[1:]))
}

// errUsage reports a command line that cannot be understood.
var errUsage = errors.New("see: sandbox help")

// run runs a command and returns its exit code: 2 for a usage error.
func run(ctx context.Context, s *sandbox, args []string) int {
	err := dispatch(ctx, s, args)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, flag.ErrHelp):
		usage(s.stdout)
		return 0
	}
	fmt.Fprintf(s.stderr, "sandbox: %v\n", err)
	if errors.Is(err, errUsage) {
		return 2
	}
	return 1
}

func dispatch(ctx context.Context, s *sandbox, args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("no command: %w", errUsage)
	}
	if slices.Contains([]string{"help", "-h", "-help", "--help"}, args[0]) {
		return flag.ErrHelp
	}
	i := slices.IndexFunc(commands, func(c command) bool { return c.name == args[0] })
	if i < 0 {
		return fmt.Errorf("unknown command %q: %w", args[0], errUsage)
	}
	c := commands[i]
	flags := c.flagSet(s)
	if err := flags.Parse(args[1:]); err != nil {
		return fmt.Errorf("%s: %w: %w", c.name, err, errUsage)
	}
	if flags.NArg() > c.maxArgs {
		return fmt.Errorf("%s: unexpected argument %q: %w", c.name, flags.Arg(c.maxArgs), errUsage)
	}
	if err := s.open(); err != nil {
		return err
	}
	return c.run(ctx, s, flags.Arg(0))
}

func (c command) flagSet(s *sandbox) *flag.FlagSet {
	flags := flag.NewFlagSet(c.name, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	if c.flags != nil {
		c.flags(s, flags)
	}
	return flags
}

func usage(out io.Writer) {
	fmt.Fprint(out, "sandbox runs the stack offline, against emulated clouds.\n\nusage: sandbox COMMAND [flags]\n\n")
	var described []string
	commandsOf := map[string][]string{}
	for _, c := range commands {
		fmt.Fprintf(out, "  %-16s %s\n", strings.TrimSpace(c.name+" "+c.args), c.help)
		var text strings.Builder
		flags := c.flagSet(&sandbox{})
		flags.SetOutput(&text)
		flags.PrintDefaults()
		if len(commandsOf[text.String()]) == 0 && text.Len() > 0 {
			described = append(described, text.String())
		}
		commandsOf[text.String()] = append(commandsOf[text.String()], c.name)
	}
	for _, text := range described {
		fmt.Fprintf(out, "\nflags of %s:\n%s", strings.Join(commandsOf[text], ", "), text)
	}
}
