package stack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"

	"github.com/pulumi/pulumi-command/sdk/go/command/local"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// checkDoppler looks for the Doppler CLI before anything is written, where the
// config key doppler is set. It must know --visibility, as from version 3.68 on:
// https://github.com/DopplerHQ/cli/blob/master/pkg/cmd/secrets.go
func checkDoppler(ctx context.Context, cfg Config, path string) error {
	if cfg.Doppler == (Doppler{}) {
		return nil
	}
	cli := lookPath(path, "doppler")
	cmd := exec.CommandContext(ctx, cli, "secrets", "set", "--help")
	cmd.Env = append(cmd.Environ(), "PATH="+path)
	help, err := cmd.Output()
	switch {
	case cli == "":
		return errors.New("config key doppler: the Doppler CLI is not on the PATH, and nothing was changed: " +
			"install it (https://docs.doppler.com/docs/install-cli), or run `pulumi config rm doppler`")
	case err != nil:
		return fmt.Errorf("config key doppler: asking the Doppler CLI on the PATH what it can do: %w", err)
	case !bytes.Contains(help, []byte("--visibility")):
		return errors.New("config key doppler: the Doppler CLI on the PATH is older than 3.68, and nothing was changed: run `doppler update`")
	}
	return nil
}

// lookPath is [exec.LookPath] on a given PATH, and returns "" where there is none.
func lookPath(path, name string) string {
	for _, dir := range filepath.SplitList(path) {
		if !filepath.IsAbs(dir) {
			continue
		}
		if file, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return file
		}
	}
	return ""
}

// writeDoppler keeps DATABASE_URL in a config of Doppler as well, masked, where
// the stack's config names one. The keys of this run may come from there, too:
// `doppler run -- pulumi up`.
//
// The CLI brings its own login, or takes DOPPLER_TOKEN from the environment, so the
// state has no token. The value goes to its standard input: no argument shows it, and
// the state has it encrypted. Where there is no CLI any more, the secret stays and the
// rest can still be destroyed.
func writeDoppler(ctx *pulumi.Context, cfg Config, db *Database) error {
	d := cfg.Doppler
	if d == (Doppler{}) {
		return nil
	}
	// The names need no quotes: see dopplerPattern.
	where := fmt.Sprintf("--project=%s --config=%s %s >/dev/null", d.Project, d.Config, varDatabaseURL)
	_, err := local.NewCommand(ctx, "doppler", &local.CommandArgs{
		Create: pulumi.String("doppler secrets set --silent --no-interactive --visibility=masked " + where),
		Delete: pulumi.Sprintf("if command -v doppler >/dev/null; then doppler secrets delete --yes --silent %s; "+
			"else echo 'there is no Doppler CLI on the PATH: %s stays in %s/%s' >&2; fi", where, varDatabaseURL, d.Project, d.Config),
		Stdin:   db.URL,
		Logging: local.LoggingStderr,
		// Another place is another secret: the old one goes.
		Triggers: pulumi.ToArray([]any{d.Project, d.Config}),
	}, pulumi.Parent(db), pulumi.DeleteBeforeReplace(true))
	return err
}
