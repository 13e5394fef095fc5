package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"text/tabwriter"
	"time"

	"portfolio-infra/internal/rest"
	"portfolio-infra/internal/sandbox/clouds"
	"portfolio-infra/internal/sandbox/engine"
	"portfolio-infra/internal/sandbox/site"
)

// operation is one run of the engine.
type operation struct {
	*sandbox
	verb  string
	start time.Time
}

// do runs the engine in the clouds' environment and says what that did. served is the address at
// which the main stack's site is served, or "".
func (o operation) do(ctx context.Context, env map[string]string, served string) error {
	calls := clouds.CallsFrom(o.dir)
	e := o.engine(env)
	e.Done = &engine.Done{}
	err := e.Operate(ctx, o.verb)
	if err == nil && o.verb == "destroy" && o.stackName() != engine.Stack {
		if err = e.Remove(ctx); err == nil {
			fmt.Fprintf(o.stdout, "the stack %s is removed\n", o.stack)
		}
	}
	called := ""
	if reads, writes := calls.Count(); reads+writes > 0 {
		called = fmt.Sprintf("%d reads, %d writes; each one is in %s", reads, writes, o.shown(clouds.CallsFile))
	}
	lines := newTable(o.stdout)
	defer func() { _ = lines.out.Flush() }()
	if err != nil || o.verb != "up" {
		lines.add("calls", called)
		return err
	}
	if e.Done.Deployed {
		o.reportSite(lines, e.Done, served)
	}
	lines.add("migrations", migrated(e.Done.Migrations))
	lines.add("calls", called)
	lines.add("time", rest.Seconds(time.Since(o.start)))
	return nil
}

// table is a table of two columns. A line without a value is left out.
type table struct{ out *tabwriter.Writer }

func newTable(out io.Writer) table { return table{tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)} }

func (t table) add(name, value string) {
	if value != "" {
		fmt.Fprintf(t.out, "%s:\t%s\n", name, value)
	}
}

func (o operation) reportSite(lines table, done *engine.Done, served string) {
	by := "`make site`"
	if _, err := exec.LookPath("npm"); served != "" {
		by += ", which is running"
	} else if err != nil && !o.runtime().Installed() {
		by += ". " + site.NoRuntime
	}
	base := cmp.Or(served, "http://"+defaultSiteAddress)
	lines.add("site", fmt.Sprintf("%s, for %s", siteURL(base, o.stackName()), done.Site))
	lines.add("served by", by)
	lines.add("files", fmt.Sprintf("%d sent, %d skipped", done.Sent, done.Files-done.Sent))
}

// migrated says what the resources that apply files of SQL did.
func migrated(all []engine.Migrations) string {
	var parts []string
	for _, m := range all {
		text := fmt.Sprintf("%d of %d applied now", m.Applied, m.Files)
		if m.Steps > 0 {
			text += fmt.Sprintf(", in %d %s", m.Steps, plural(m.Steps, "step"))
		}
		if m.Name != "migrations" {
			text = m.Name + ": " + text
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, "; ")
}

func plural(n int, word string) string {
	if n == 1 {
		return word
	}
	return word + "s"
}
