// Package report tells a reader of a pull request what its environment is: in the comment and in
// the job's summary, which are public. So it has no row's value, and nothing that an error of the
// SQL server says beside its number.
//
// [Run] collects a [Report] and prints it. An environment that is up is worth its comment: what
// cannot be read is said in one line.
package report

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"time"

	"portfolio-infra/internal/environment/mark"
	"portfolio-infra/internal/environment/settings"
)

// Report is what a pull request's comment says of its environment.
type Report struct {
	Stack string
	// Site is the site's address, and Deployment that of this deployment, which never serves
	// another one. Either may be empty.
	Site, Deployment string
	Commit           string
	// Copied reports whether the rows are a copy of another cluster's.
	Copied bool
	// Problem is why the database could not be read, or empty.
	Problem string
	// Files are the migrations, then the seeds and masks.
	Files  []File
	Schema Schema
	// Took is how long it took since the job began.
	Took time.Duration
	// Ends is when the environment ends if nothing is pushed to its pull request, Days after the
	// last update.
	Ends time.Time
	Days int
}

// File is a file of SQL that ran.
type File struct {
	Kind string // migration, seed or mask
	Name string
	// Steps are 0 if the file is empty, or before the baseline.
	Steps int
	// Seconds are those from the start of the first step to the record of the last one's end, in
	// whole seconds. They have the pause of a run that was interrupted, too.
	Seconds int
	// New reports whether the pull request's base does not have the file.
	New bool
}

// Schema is what the tables are, and were.
type Schema struct {
	Tables []Table
	// Diff is what the pull request changes, as a unified diff. It means nothing if Unknown is
	// set, which is why there is none.
	Diff    string
	Unknown string
}

// Table is a table and its number of rows. A view has none, which is -1, nor has a table that
// could not be counted.
type Table struct {
	Name string
	Rows int64
}

var commitPattern = regexp.MustCompile(`^[0-9a-f]{7,64}$`)

// Run prints the report of an environment. The login to its database is MIGRATION_URL in the
// environment.
func Run(ctx context.Context, args []string, _ io.Reader, stdout io.Writer, getenv func(string) string) error {
	flags := flag.NewFlagSet("report", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	stack := flags.String("stack", "", "")
	outputs := flags.String("outputs", "", "")
	commit := flags.String("commit", "", "")
	started := flags.Int64("started", 0, "")
	base := flags.String("base", "", "")
	if err := flags.Parse(args); err != nil || flags.NArg() > 0 {
		return errors.New("usage: environment report -stack pr-NUMBER -outputs FILE -commit SHA -started UNIXSECONDS [-base DIR]")
	}
	if _, ok := mark.Number(*stack); !ok {
		return fmt.Errorf("-stack: %q is not the stack of an environment, such as pr-7", *stack)
	}
	if !commitPattern.MatchString(*commit) {
		return fmt.Errorf("-commit: %q is not the hash of a commit", *commit)
	}
	project, err := settings.ReadStack(".", *stack)
	if err != nil {
		return err
	}
	now := time.Now()
	r := Report{
		Stack: *stack, Commit: *commit, Copied: project.PreviewData == "branch",
		Days: project.ExpireAfterDays, Ends: now.AddDate(0, 0, project.ExpireAfterDays),
	}
	if r.Site, r.Deployment, err = addresses(*outputs); err != nil {
		return fmt.Errorf("-outputs: %w", err)
	}
	c, err := connect(getenv)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.collect(ctx, &r, project, *base); err != nil {
		r.Problem = err.Error()
	}
	if *started > 0 {
		r.Took = time.Since(time.Unix(*started, 0))
	}
	_, err = io.WriteString(stdout, r.Markdown())
	return err
}

// addresses reads what `pulumi stack output --json` wrote.
func addresses(file string) (site, deployment string, err error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return "", "", err
	}
	var outputs struct {
		SiteURL    string `json:"siteUrl"`
		PagesURL   string `json:"pagesUrl"`
		Deployment struct {
			URL string `json:"url"`
		} `json:"deployment"`
	}
	if err := json.Unmarshal(b, &outputs); err != nil {
		return "", "", fmt.Errorf("%s is not what `pulumi stack output --json` writes: %w", file, err)
	}
	site = outputs.SiteURL
	if site == "" {
		site = outputs.PagesURL
	}
	return site, outputs.Deployment.URL, nil
}
