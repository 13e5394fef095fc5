package build

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

const cliModule = "github.com/pulumi/pulumi/pkg/v3"

// cliCut leaves out of the CLI what a sandbox does not use: the backends and secrets providers
// of AWS, Azure, Google, Vault and PostgreSQL, the reading of cloud logs, and commands such as
// pulumi api, env and neo. Their SDKs, half of what there is to compile, go too. Asked for one
// of those backends, the CLI answers `no driver registered for "s3"`. The keys are files or
// folders of the module. Each edit replaces a text that must be there; nil leaves out the
// files or folder.
var cliCut = map[string][]cliEdit{
	"authhelpers":                  nil,
	"operations/operations_aws.go": nil,
	"operations/operations_gcp.go": nil,
	"operations/resources.go":      {{`(?s)\tcase "aws":.*?\tdefault:`, "\tdefault:"}},
	"backend/diy/backend.go": {
		{`\t.*"gocloud.dev/blob/(azure|gcs|s3)blob".*\n`, ""},
		{`\t_ ".*/diy/postgres".*\n`, ""},
		{`\t".*/authhelpers"\n`, ""},
		{`blob\.DefaultURLMux\(\)\.ValidBucketScheme\(u\.Scheme\)`, `u.Scheme != "" && u.Scheme != "http" && u.Scheme != "https"`},
		{`(?s)\tif p\.Scheme == gcsblob\.Scheme {.*?\n\t}\n`, ""},
	},
	"backend/diy/bucket.go": {
		{`\tawss3 ".*"\n`, ""},
		{`awss3\.CopyObjectInput`, "struct{ CopySource *string }"},
	},
	"cmd/pulumi/pulumi.go": {
		{`\t(cmdDo |cmdEnv )?".*/cmd/pulumi/(cloud|do|env|markdown|neo|packagecmd|trace)"\n`, ""},
		{`(?s)\t+cmdDo\.NewDoCmd\(.*?DefaultRunStatefulUpdate\),\n`, ""},
		{`\t+(cloud|cmdEnv|markdown|neo|packagecmd|trace)\.New.*\),\n`, ""},
	},
	"cmd/pulumi/do":         nil,
	"cmd/pulumi/env":        nil,
	"cmd/pulumi/markdown":   nil,
	"cmd/pulumi/neo":        nil,
	"cmd/pulumi/packagecmd": nil,
	"cmd/pulumi/schemainfo": nil,
	"cmd/pulumi/trace":      nil,
	"cmd/esc/cli/[^fp]*.go": nil,
	"cmd/esc/cli/pager.go":  nil,
	"cmd/pulumi/config/config_env_init.go": {
		{`\t"github.com/charmbracelet/glamour"\n`, ""},
		{`(?s)\tif !cmdutil\.InteractiveTerminal\(\) {\n\t\treturn markdown\.String\(\), nil\n\t}.*?return rendered, nil`, "\treturn markdown.String(), nil"},
	},
	"backend/diy/postgres": nil,
	"backend/httpstate/policypack.go": {
		{`\t".*/nodejs/npm"\n`, ""},
		{`npm\.Pack\(ctx, npm\.AutoPackageManager, op\.PlugCtx\.Pwd, os\.Stderr\)`, `nil, fmt.Errorf("npm pack is left out of this CLI")`},
	},
	"cmd/pulumi/cloud/[^er]*.go":   nil,
	"cmd/pulumi/cloud/encoding.go": nil,
	"cmd/pulumi/cloud/envelope.go": {
		{`(?s)\n// lsOperation.*`, ""},
		{`\t"(errors|net/http|.*/cobra|.*/cmdutil)"\n`, ""},
	},
	// `pulumi config set` guesses whether a plain value is a secret. Reading the word lists
	// for this takes half of the CLI's start.
	"cmd/pulumi/config/config.go": {
		{`\t"github.com/nbutton23/zxcvbn-go"\n`, ""},
		{`(?s)\tinfo := zxcvbn\..*?\n}\n`, "\treturn false\n}\n"},
	},
	"secrets/cloud/manager.go": {
		{`\t.*"gocloud.dev/secrets/.*\n`, ""},
		{`\t"google.golang.org/api/cloudkms/v1"\n`, ""},
		{`\t".*/authhelpers"\n`, ""},
		{`(?s)\tcase gcpkms\.Scheme:.*?\tdefault:`, "\tdefault:"},
	},
}

type cliEdit struct{ pattern, with string }

// cutCLI makes a cut-down copy of the CLI's module in dir. It returns a go.mod that replaces
// the module that internal/tools requires, in t, with the copy.
func cutCLI(ctx context.Context, t target, dir string, stderr io.Writer) (modfile string, err error) {
	out, err := t.command(ctx, stderr, "mod", "download", "-json", cliModule).Output()
	if err != nil {
		return "", fmt.Errorf("downloading %s: %w", cliModule, err)
	}
	var module struct{ Dir string }
	if err := json.Unmarshal(out, &module); err != nil {
		return "", fmt.Errorf("downloading %s: %w", cliModule, err)
	}
	if err := cutFolder(module.Dir, filepath.Join(dir, "pkg"), ""); err != nil {
		return "", fmt.Errorf("cutting %s: %w", cliModule, err)
	}
	for _, name := range []string{"go.mod", "go.sum"} {
		b, err := os.ReadFile(filepath.Join(t.dir, name))
		if err != nil {
			return "", err
		}
		if name == "go.mod" {
			b = fmt.Appendf(b, "\nreplace %s => %q\n", cliModule, filepath.Join(dir, "pkg"))
		}
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			return "", err
		}
	}
	return filepath.Join(dir, "go.mod"), nil
}

// cutFolder makes a cut-down copy of one folder, by its name in the module. What is not cut
// becomes a link.
func cutFolder(from, to, name string) error {
	if err := os.MkdirAll(filepath.Join(to, name), 0o700); err != nil {
		return err
	}
	entries, err := os.ReadDir(filepath.Join(from, name))
	if err != nil {
		return err
	}
	for _, entry := range entries {
		name := path.Join(name, entry.Name())
		source, target := filepath.Join(from, name), filepath.Join(to, name)
		edits, cut := editsOf(name)
		switch {
		case cut && len(edits) == 0:
		case cut:
			err = editFile(source, target, edits)
		case slices.ContainsFunc(slices.Collect(maps.Keys(cliCut)), func(s string) bool { return strings.HasPrefix(s, name+"/") }):
			err = cutFolder(from, to, name)
		default:
			err = os.Symlink(source, target)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// editsOf finds the edits of a file or folder.
func editsOf(name string) (edits []cliEdit, ok bool) {
	for pattern, edits := range cliCut {
		if ok, err := path.Match(pattern, name); ok && err == nil {
			return edits, true
		}
	}
	return nil, false
}

func editFile(source, target string, edits []cliEdit) error {
	b, err := os.ReadFile(source)
	if err != nil {
		return err
	}
	for _, edit := range edits {
		pattern := regexp.MustCompile(edit.pattern)
		if !pattern.Match(b) {
			return fmt.Errorf("%s has no %s: change cliCut to fit this version", source, pattern)
		}
		b = pattern.ReplaceAllLiteral(b, []byte(edit.with))
	}
	return os.WriteFile(target, b, 0o600)
}
