package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"portfolio-infra/internal/sandbox/emulator/cloudflare"
)

// terminal is a shell in a copy of the project, where a person runs the Pulumi CLI on the
// stack prod. The program gets its configuration from a language host.
type terminal struct {
	*runner
	clouds  *fixture
	printed strings.Builder // by all commands
}

func newTerminal(f *fixture) *terminal {
	f.Helper()
	t := &terminal{runner: newRunner(f, "deploy.yml"), clouds: f}
	// Any folder will do.
	dir := filepath.Join(f.TempDir(), "C# 50%")
	if err := os.Rename(t.dir, dir); err != nil {
		f.Fatal(err)
	}
	t.dir = dir
	t.initStack("prod")
	engine := f.Environment()
	for _, name := range []string{"PULUMI_BACKEND_URL", "PULUMI_CONFIG_PASSPHRASE", "CLOUDFLARE_ACCOUNT_ID", "CLOUDFLARE_API_TOKEN", "TIDBCLOUD_PUBLIC_KEY", "TIDBCLOUD_PRIVATE_KEY"} {
		t.env = append(t.env, name+"="+engine[name])
	}
	t.env = append(t.env, "PULUMI_STACK=prod")
	return t
}

func (t *terminal) try(line, input string) (string, error) {
	cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", line)
	cmd.Dir, cmd.Env, cmd.Stdin = t.dir, slices.Clone(t.env), strings.NewReader(input)
	output, err := cmd.CombinedOutput()
	t.printed.Write(output)
	return string(output), err
}

// types runs lines that must succeed. Each gets the input. It returns what the last printed.
func (t *terminal) types(input string, lines ...string) (output string) {
	t.Helper()
	for _, line := range lines {
		var err error
		if output, err = t.try(line, input); err != nil {
			t.Fatalf("%s: %v\n%s", line, err, output)
		}
	}
	return output
}

// refused checks that neither a preview nor an up gets to write anything, and returns the
// commands that the error advises.
func (t *terminal) refused(texts ...string) (advice []string) {
	t.Helper()
	before := len(t.clouds.clouds.Log.Calls())
	for _, line := range []string{"pulumi preview", "pulumi up --yes --skip-preview"} {
		output, err := t.try(line, "")
		if err == nil {
			t.Fatalf("%s succeeded:\n%s", line, output)
		}
		for _, text := range append(texts, "nothing was changed") {
			if !strings.Contains(output, text) {
				t.Errorf("%s does not say %q:\n%s", line, text, output)
			}
		}
		advice = advice[:0]
		for _, command := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(output, -1) {
			if !slices.Contains(advice, command[1]) {
				advice = append(advice, command[1])
			}
		}
	}
	t.clouds.noWrites("a refused run", t.clouds.clouds.Log.Calls()[before:])
	return advice
}

// A mistake in the configuration is refused. Whoever follows the error gets what was meant.
func TestConfig_mistakes(t *testing.T) {
	p := newTerminal(newFixture(t))
	vars := func(want string) {
		t.Helper()
		if have := p.types("", "pulumi config get vars"); strings.TrimSpace(have) != want {
			t.Errorf("vars: %s, want %s", have, want)
		}
	}
	p.types("", "pulumi config rm protect", "pulumi config set protec true")
	advice := p.refused("portfolio:protec: there is no such key; did you mean protect?")
	p.types("", advice[0]) // the other one removes the key
	if have := p.types("", "pulumi config get protect"); have != "true\n" {
		t.Errorf("protect: %q", have)
	}

	p.types("", "pulumi config set vars.N 7")
	p.types("12345678901234567890", p.refused("portfolio:vars.N: a member of vars is set by --path")...)
	vars(`{"N":12345678901234567000}`)
	p.types("", p.refused("portfolio:vars: N is a number")...)
	vars(`{"N":"12345678901234567000"}`)
	p.types("", "pulumi config set --type string --path vars.N 12345678901234567890", "pulumi preview")
	vars(`{"N":"12345678901234567890"}`)
}

// A value that was set with --secret is in plain text only where it is used, whatever the key.
func TestConfig_secrets(t *testing.T) {
	f := newFixture(t)
	p := newTerminal(f)
	const secret = "recognizable-secret"
	for _, path := range []string{"vars.A", "siteVars.B", "moreBindings.AUTH.service", "databaseUrlOptions.option"} {
		p.types(secret, "pulumi config set --secret --path "+path)
	}
	f.deploy(secret) // what the binding is to
	p.types("", "pulumi config set site internal/example/site")
	preview := p.types("", "pulumi preview --diff")
	for _, want := range []string{"`pulumi config set --secret --path secrets.NAME`", "`pulumi config set --secret --path siteSecrets.NAME`"} {
		if !strings.Contains(preview, want) {
			t.Errorf("the preview does not say %s:\n%s", want, preview)
		}
	}
	p.types("", "pulumi up --yes --skip-preview", "pulumi stack output --json")
	i := slices.IndexFunc(f.clouds.Cloudflare.Scripts(), func(s cloudflare.Script) bool { return s.Name != secret })
	production := f.project().Production
	f.want("where it is used", []string{f.clouds.Cloudflare.Scripts()[i].Vars["A"], production.Vars["B"], production.Services["AUTH"].Service}, []string{secret, secret, secret})
	p.types("", "pulumi preview --expect-no-changes")
	// Somebody's file makes each deployment lose what is set, and the errors name it.
	p.types("", "pulumi config set --secret --path siteVars.C recognizable-secret-too")
	f.byHand("PATCH", cloudflareAPI, f.pages(), `{"deployment_configs":{"production":{"wrangler_config_hash":"made-up"}}}`)
	output, err := p.try("pulumi preview", "")
	if err == nil || !strings.Contains(output, "Wrangler file") {
		t.Errorf("with a Wrangler file: %v\n%s", err, output)
	}
	if strings.Contains(p.printed.String(), secret) {
		t.Errorf("printed:\n%s", p.printed.String())
	}
	p.types("", "ls "+f.Dir+"/state/.pulumi/*/portfolio/prod*", "! grep -rF "+secret+" "+f.Dir+"/state")
}

// After a rename of the project every key has to be moved. Whoever follows the errors has the
// same stack, including its secrets.
func TestConfig_renamedProject(t *testing.T) {
	f := newFixture(t)
	p := newTerminal(f)
	p.types("recognizable-secret", "pulumi config set --secret --path secrets.TOKEN")
	p.types("", "pulumi config set site internal/example/site", "pulumi up --yes --skip-preview",
		"pulumi stack rename organization/shop/prod", "sed -i.old 's/^name: portfolio/name: shop/' Pulumi.yaml")
	before := f.cluster().ClusterID
	advice := p.refused("portfolio:cluster: the project is called shop")
	if len(advice) != 1 || !strings.HasPrefix(advice[0], "sed -i.bak ") {
		t.Fatalf("the advice is %q", advice)
	}
	p.types("", advice...)
	// The name that Pulumi.yaml derives from the project's is the last one left.
	output, err := p.try("pulumi preview", "")
	if err == nil {
		t.Fatalf("the database's name is another one:\n%s", output)
	}
	lines := regexp.MustCompile(`pulumi config set database \w+`).FindAllString(output, 1)
	p.types("", append(lines, "pulumi up --yes --skip-preview", "pulumi preview --expect-no-changes")...)
	f.want("the cluster", f.cluster().ClusterID, before)
	if !f.script().Secrets["TOKEN"].Is("recognizable-secret") {
		t.Error("the Worker's secret is lost")
	}
}
