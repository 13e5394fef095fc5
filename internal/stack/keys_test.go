package stack

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"portfolio-infra/internal/testcheck"
	"portfolio-infra/internal/testfiles"
)

func TestCheckKeys(t *testing.T) {
	for _, test := range []struct {
		name, key, value string
		want             []string // none is no error
	}{
		{"misspelt", "portfolio:protec", "true", []string{"portfolio:protec: there is no such key; did you mean protect?", "`pulumi config rm protec`"}},
		{"in another case", "portfolio:sitevars", "{}", []string{"did you mean siteVars?"}},
		{"of nobody", "portfolio:colour", "red", []string{"portfolio:colour: there is no such key: `pulumi config rm colour`"}},
		{"member without --path", "portfolio:vars.N", "1", []string{"portfolio:vars.N: a member of vars", "`pulumi config rm 'vars.N'`", "`pulumi config set --path 'vars.N'`"}},
		{"secret member", `portfolio:secrets["N"]`, "1", []string{"`pulumi config set --secret --path 'secrets[\"N\"]'`"}},
		{"for no shell", "portfolio:vars.'$(x)\n", "1", []string{`portfolio:"vars.'$(x)\n": there is no such key; remove it from Pulumi.dev.yaml`}},
		{"of a former project", "old.site:cluster", "my-db", []string{"old.site:cluster: the project is called portfolio", `\)old\.site:/`}},
		{"of a former project, a secret", "web:secrets", `{"A":"hunter2"}`, []string{"web:secrets: the project is called portfolio"}},
		{"of a former project, the region", "web:region", "regions/aws-us-east-1", []string{"web:region: the project is called portfolio"}},
		{"of a provider that is not in use", "aws:region", "us-east-1", nil},
		{"of another program", "web:colour", "red", nil},
		{"of a provider in use", "cloudflare:accountId", testAccount, nil},
		{"of a provider that the program asks", "tidbcloud:region", "x", nil},
		{"of the engine", "pulumi:domain", "x", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := newAccount(t)
			a.secrets = []string{`portfolio:secrets["N"]`}
			if config := map[string]string{test.key: test.value}; test.want == nil {
				a.up(config)
			} else {
				a.refuse(config, append(test.want, "has a problem", "nothing was changed")...)
			}
		})
	}
}

// Each key of Pulumi.yaml is read, whatever the others are, or its default would be refused.
// Without the language host's variable nothing is checked.
func TestCheckKeys_defaults(t *testing.T) {
	a := newAccount(t)
	a.up(nil)
	for _, value := range []string{"", "no JSON"} {
		a.env[pulumi.EnvConfig] = value
		a.up(map[string]string{"protec": "true"})
	}
}

// Who follows the line has the same values under the project's new name, encrypted ones too.
func TestCheckKeys_renameLine(t *testing.T) {
	const file = "# portfolio:domain\nencryptionsalt: v1:portfolio:x\nconfig:\n  old.site:cluster: my-db\n  \"old.site:secrets\":\n    A:\n      secure: v1:old.site:cipher\n" +
		"  oldXsite:worker: theirs\n  cloudflare:baseUrl: http://old.site:80\n"
	err := newAccount(t).run(map[string]string{"old.site:cluster": "my-db", "old.site:secrets": "{}"})
	testcheck.Error(t, err, "old.site", "`sed ")
	line := regexp.MustCompile("`(sed .*?)`").FindStringSubmatch(err.Error())[1]
	dir := testfiles.Folder(t, map[string]string{"Pulumi.dev.yaml": file})
	cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", line)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for name, want := range map[string]string{
		"Pulumi.dev.yaml":     strings.NewReplacer("  old.site:", "  portfolio:", `"old.site:`, `"portfolio:`).Replace(file),
		"Pulumi.dev.yaml.bak": file,
	} {
		have, err := os.ReadFile(filepath.Join(dir, name))
		if diff := cmp.Diff(want, string(have)); diff != "" {
			t.Error(name, err, diff)
		}
	}
}

func TestSimilar(t *testing.T) {
	known := []string{"adopt", "cluster", "protect", "secrets", "site", "siteSecrets", "siteVars", "vars"}
	for name, want := range map[string]string{
		"protec": "protect", "Protect": "protect", "portect": "protect", "siteVar": "siteVars", "var": "vars", "x": "", "": "",
		"clusters": "cluster", "doppler": "", "sitesecret": "siteSecrets",
	} {
		if have := similar(name, known); have != want {
			t.Errorf("%q: %q, want %q", name, have, want)
		}
	}
}

// A test's binary does not know its modules, so that of a program is not asked here.
func TestProviderOf(t *testing.T) {
	for module, want := range map[string]string{
		"github.com/pulumi/pulumi-cloudflare/sdk/v6":     "cloudflare",
		"github.com/pulumi/pulumi-command/sdk":           "command",
		"github.com/pulumi/pulumi-azure-native/sdk/v3":   "azure-native",
		"github.com/pulumi/pulumi/sdk/v3":                "",
		"github.com/pulumi/pulumi-go-provider":           "",
		"example.com/pulumi-unifi/sdks/go/pulumi-other2": "",
	} {
		if have := providerOf(module); have != want {
			t.Errorf("%s: %q, want %q", module, have, want)
		}
	}
}
