package stack

import (
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"github.com/pulumi/pulumi-command/sdk/go/command/local"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"portfolio-infra/internal/pages"
)

// pagesCommand is a command of this program that changes the Pages project: it runs with
// each new request, and where the project does not have what the last run gave it.
type pagesCommand struct {
	run, remove string
	request     pulumi.StringOutput
	// drift is what the project has in place of what is wanted; "" for none. It becomes the
	// variable named mark in the command's environment.
	mark, drift string
	// reason is what a preview says of the drift; "" for nothing.
	reason string
}

// newPagesCommand declares the command below the Pages component.
//
// The request goes to standard input, so a change of it is an update in place. Drift goes
// to the environment, so that it is an update too, and in the preview. After a repair the
// mark must stay as it is, or its removal would be a change; hence IgnoreChanges where
// there is no new drift.
func newPagesCommand(ctx *pulumi.Context, cfg *Config, p *Pages, name string, c pagesCommand, opts ...pulumi.ResourceOption) (*local.Command, error) {
	environment := pulumi.StringMap{c.mark: pulumi.String("")}
	if c.drift == "" {
		opts = append(opts, pulumi.IgnoreChanges([]string{"environment." + c.mark}))
	} else {
		mark, err := unknownInPreview(ctx, c.drift, c.reason)
		if err != nil {
			return nil, err
		}
		environment[c.mark] = mark
	}
	maps.Copy(environment, cfg.CommandEnv)
	return local.NewCommand(ctx, name, &local.CommandArgs{
		Create:      pulumi.String(c.run),
		Update:      pulumi.String(c.run),
		Delete:      pulumi.String(c.remove),
		Stdin:       c.request,
		Environment: environment,
		Logging:     local.LoggingStderr,
	}, append(opts, pulumi.Parent(p),
		// What the command sets goes with the project. So a destroy needs neither the program,
		// which a fresh checkout has not built, nor the token, which may be an earlier run's.
		pulumi.DeletedWith(p.Project))...)
}

// decode reads the standard output of the program's command.
func decode[T any](verb, line string) (result T, err error) {
	if err = json.Unmarshal([]byte(line), &result); err != nil {
		err = fmt.Errorf("reading the output of %s: %w", pages.Command(verb), err)
	}
	return result, err
}

// markDrift returns a drift mark. With the time, the same drift is a change each time that
// it happens.
func markDrift(found string, now time.Time) string {
	return fmt.Sprintf("%s (%s)", found, now.UTC().Format(time.RFC3339))
}
