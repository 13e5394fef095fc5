package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"portfolio-infra/internal/sandbox/build"
	"portfolio-infra/internal/sandbox/emulator/sql/sqltest"
)

// In a shell with the environment of served clouds no command reaches the real stack's
// state, whatever backend and passphrase the shell had.
func TestServe_shell(t *testing.T) {
	t.Parallel()
	if _, err := cli(); err != nil {
		t.Fatal(err)
	}
	project := t.TempDir() // the CLI writes the settings of stacks into it
	cmd := exec.CommandContext(t.Context(), "/bin/sh", "-ec", `
		cp "$ROOT/Pulumi.yaml" .
		pulumi stack init real
		cp "$REAL"/.pulumi/stacks/*/real.json before
		eval "$("$ROOT/bin/sandbox" serve -detach)"
		trap '"$ROOT/bin/sandbox" serve -stop' EXIT
		! pulumi refresh --yes --stack real
		cmp "$REAL"/.pulumi/stacks/*/real.json before
		pulumi stack init mine
		echo hidden | pulumi config set --secret key
		pulumi stack ls`)
	cmd.Dir = project
	for name, value := range map[string]string{
		"ROOT": root, "REAL": t.TempDir(), "SANDBOX_DIR": filepath.Join(t.TempDir(), "C# 50%"), "PULUMI_HOME": t.TempDir(),
		build.TiDBVariable: sqltest.TiDB(t), "PATH": os.Getenv("PATH") + ":" + filepath.Join(root, "bin"), "PULUMI_SKIP_UPDATE_CHECK": "true",
		"PULUMI_CONFIG_PASSPHRASE": "theirs", "PULUMI_CONFIG_PASSPHRASE_FILE": "/nowhere",
	} {
		cmd.Env = append(cmd.Env, name+"="+value)
		if name == "REAL" {
			cmd.Env = append(cmd.Env, "PULUMI_BACKEND_URL=file://"+value+"?metadata=skip")
		}
	}
	output, err := cmd.CombinedOutput()
	if said := string(output); err != nil || !strings.Contains(said, "no stack named 'real' found") || !strings.Contains(said, "\nmine*") {
		t.Errorf("%v\n%s", err, said)
	}
}
