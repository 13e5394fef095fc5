package main

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/pulumi/pulumi/sdk/v3/go/auto"

	"portfolio-infra/internal/sandbox/emulator"
)

// trial runs a cell of the matrix of operations in a sandbox of its own, and watches each call
// to the clouds.
type trial struct {
	*fixture
	world     *world
	rows      string         // see [world]; "" where the stack is not there yet
	strangers map[string]any // what each has, by name
	project   string         // its name, if it was renamed
	// asks is what the user asked to delete in this cell.
	asks asks

	mu          sync.Mutex
	connections map[string]string // DATABASE_URL by Worker
	secrets     map[string]bool
	served      bool
	disagreed   string // with the configuration
	// said is what the engine printed in all operations.
	said bytes.Buffer
}

// asks is what an operation asks to delete.
type asks struct {
	rows    bool // the cluster, with all that is on it
	project bool // the Pages project, with its deployments and domains
	site    bool // something that the site needs: it may be away until an up has succeeded
}

func (a asks) with(b asks) asks {
	return asks{a.rows || b.rows, a.project || b.project, a.site || b.site}
}

// flagged adds flags to each operation of the engine: those that the Automation API lacks, and
// the others in the same way.
type flagged struct {
	auto.PulumiCommand
	verb  string
	flags []string
}

func (c flagged) Run(ctx context.Context, dir string, stdin io.Reader, stdout, stderr []io.Writer, env []string, args ...string) (string, string, int, error) {
	if args[0] == c.verb {
		args = append(slices.Clone(args), c.flags...)
	}
	return c.PulumiCommand.Run(ctx, dir, stdin, stdout, stderr, env, args...)
}

// operate runs an operation with flags, and checks that it does nothing forbidden.
func (c *trial) operate(verb string, flags ...string) result {
	c.Helper()
	what := strings.Join(append([]string{verb}, flags...), " ")
	plain := c.CLI
	c.CLI = flagged{plain, verb, flags}
	r := c.try(verb)
	c.CLI = plain
	if r.err != nil {
		c.Logf("%s failed: %s", what, lastLines(c.printed.String()))
	} else {
		c.Logf("%s: %v, writes: %v", what, r.changes, writes(r.calls))
	}
	c.said.Write(c.printed.Bytes())
	if verb == "up" && r.err == nil && !strings.Contains(what, " --target") && !strings.Contains(what, " --exclude") {
		c.agreesWithConfig(what)
	}
	c.keptRows(what)
	c.leftStrangers(what)
	return r
}

// lastLines returns the errors that the engine printed.
func lastLines(text string) string {
	_, diagnostics, found := strings.Cut(text, "Diagnostics:")
	if !found {
		diagnostics = text
		if i := strings.Index(text, "error"); i >= 0 {
			diagnostics = text[i:]
		}
	}
	for _, end := range []string{"Resources:", "Outputs:", "goroutine "} {
		diagnostics, _, _ = strings.Cut(diagnostics, end)
	}
	return strings.TrimSpace(diagnostics[:min(len(diagnostics), 4000)])
}

func writes(calls []emulator.Call) (all []string) {
	for _, c := range calls {
		if c.Write() {
			all = append(all, c.Method+" "+c.Path)
		}
	}
	return all
}

// keptRows checks that the rows are where they were, unless the user gave them up.
func (c *trial) keptRows(when string) {
	c.Helper()
	if c.rows == "" || c.asks.rows {
		return
	}
	if have, err := c.tryQuery(c.rows, "SELECT text FROM precious"); err != nil || have != "text\nstill here\n" {
		c.Errorf("%s: the rows are gone: %q, %v", when, have, err)
		c.asks.rows = true // said once
	}
}

// converged checks that all of the stack agrees, after [trial.settle].
func (c *trial) converged() {
	c.Helper()
	c.mu.Lock()
	why := c.broken()
	c.mu.Unlock()
	if why != "" && c.Config["portfolio:site"] != "" {
		c.Errorf("at the end the site serves no rows: %s", why)
	}
	c.noSecrets()
}

// noSecrets searches for the secrets of the cell in what is kept and what was printed, saved
// plans too.
func (c *trial) noSecrets() {
	c.Helper()
	c.mu.Lock()
	secrets := maps.Clone(c.secrets)
	c.mu.Unlock()
	secrets[c.clouds.Cloudflare.Token] = true
	secrets[c.clouds.TiDB.PrivateKey] = true
	for text := range maps.Clone(secrets) {
		if u, err := url.Parse(text); err == nil && u.User != nil {
			password, _ := u.User.Password()
			secrets[password] = true
		}
	}
	search := map[string][]byte{"what was printed": c.said.Bytes()}
	err := filepath.WalkDir(c.Dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			search[strings.TrimPrefix(path, c.Dir)], err = os.ReadFile(path)
		}
		return err
	})
	if err != nil {
		c.Fatal(err)
	}
	for secret := range secrets {
		for form, text := range encodings(secret) {
			for where, content := range search {
				if i := bytes.Index(content, []byte(text)); i >= 0 {
					c.Errorf("a secret (%s) is in %s: …%s…", form, where, bytes.ReplaceAll(content[max(0, i-60):i], []byte("\n"), []byte(" ")))
				}
			}
		}
	}
}
