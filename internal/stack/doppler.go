package stack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"

	"github.com/pulumi/pulumi-command/sdk/go/command/local"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// checkDoppler looks for the Doppler CLI on the PATH before anything is written, as the
// shell does that runs the command. The CLI must know --visibility, which came with version
// 3.68: https://github.com/DopplerHQ/cli/blob/master/pkg/cmd/secrets.go
func checkDoppler(ctx context.Context, path string) error {
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", "exec doppler secrets set --help")
	cmd.Env = append(cmd.Environ(), "PATH="+path)
	help, err := cmd.Output()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit) && exit.ExitCode() == 127: // not found
		return errors.New("config key doppler: the Doppler CLI is not on the PATH, and nothing was changed: " +
			"install it (https://docs.doppler.com/docs/install-cli), or run `pulumi config rm doppler`")
	case err != nil:
		return fmt.Errorf("config key doppler: running the Doppler CLI on the PATH: %w", err)
	case !bytes.Contains(help, []byte("--visibility")):
		return errors.New("config key doppler: the Doppler CLI on the PATH is older than 3.68, and nothing was changed: run `doppler update`")
	}
	return nil
}

// newDoppler declares the command that writes DATABASE_URL to Doppler, masked, if the config
// names a place there.
//
// The CLI has its own login or takes DOPPLER_TOKEN from the environment, so the state
// has no token. The value goes to its standard input: no argument shows it, and the
// state has it encrypted. Without the CLI the secret stays, and the rest of the stack
// can still be destroyed.
func newDoppler(ctx *pulumi.Context, cfg *Config, database *Database) error {
	to := cfg.Doppler
	if to == (Doppler{}) {
		return nil
	}
	// The names need no quotes: see checkDopplerName.
	where := fmt.Sprintf("--project=%s --config=%s %s >/dev/null", to.Project, to.Config, varDatabaseURL)
	_, err := local.NewCommand(ctx, "doppler", &local.CommandArgs{
		Create: pulumi.String("doppler secrets set --silent --no-interactive --visibility=masked " + where),
		Delete: pulumi.Sprintf("if command -v doppler >/dev/null; then doppler secrets delete --yes --silent %s; "+
			"else echo 'there is no Doppler CLI on the PATH: %s stays in %s/%s' >&2; fi", where, varDatabaseURL, to.Project, to.Config),
		Stdin:   database.URL,
		Logging: local.LoggingStderr,
		// Another place is another secret: the old one is deleted.
		Triggers: pulumi.ToArray([]any{to.Project, to.Config}),
	}, pulumi.Parent(database), pulumi.DeleteBeforeReplace(true))
	return err
}
