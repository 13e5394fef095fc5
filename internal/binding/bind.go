package binding

import (
	"context"
	"errors"
	"fmt"
	"time"

	"portfolio-infra/internal/cloudflare"
)

// Result is what a command did, as one line of JSON: the command resource's
// standard output, and part of the stack's outputs.
type Result struct {
	Project string `json:"project"`
	// Wanted is what the environments hold now.
	Wanted
	// Made says that the project was gone and was made again.
	Made bool `json:"made,omitempty"`
	// Found is what stood in place of what was written, by environment and name;
	// null where there was nothing.
	Found map[string]map[string]*Service `json:"found,omitempty"`
	// Changed and Removed name what was written, as environment.NAME.
	Changed []string `json:"changed,omitempty"`
	Removed []string `json:"removed,omitempty"`
	// ChangedAt is when bindings were last written, as far as it is known.
	ChangedAt string `json:"changedAt,omitempty"`
	// Redeploy: the newest production deployment is older than that, and a binding
	// serves from the next deployment on.
	Redeploy bool `json:"redeploy"`
}

// errNotKept is the API answering a PATCH with success and forgetting it.
var errNotKept = errors.New("the API took the change and did not keep it: run it again, and look at the project in the dashboard if it stays so")

// bind makes the project hold the wanted bindings, and no longer those that an
// earlier bind set and that are not wanted now.
//
// The engine has made the project before it runs bind, so one that is not there was
// deleted by hand, and bind makes it again: to Pulumi it is the same one, whose ID is
// its name.
func bind(ctx context.Context, c *cloudflare.Client, r Request, before Result, now func() time.Time) (Result, error) {
	result := Result{Project: r.Project, Wanted: r.Wanted}
	project, err := c.Project(ctx, r.Project)
	if cloudflare.IsNotFound(err) && r.ProductionBranch != "" {
		if err := c.CreateProject(ctx, r.Project, r.ProductionBranch); err != nil {
			return Result{}, fmt.Errorf("making the Pages project %q again, which was deleted: %w", r.Project, err)
		}
		result.Made = true
		project, err = c.Project(ctx, r.Project)
	}
	if err != nil {
		return Result{}, fmt.Errorf("reading the Pages project: %w", err)
	}
	want := targetOf(r.Wanted)
	if before.Project == r.Project {
		want.drop(project, before.Wanted)
		result.ChangedAt = before.ChangedAt
	}
	if err := apply(ctx, c, &project, want, &result, now); err != nil {
		return Result{}, err
	}
	result.Redeploy = Outdated(project.CanonicalDeployment, result.ChangedAt)
	return result, nil
}

// unbind removes the bindings of the request that stand as bind set them.
func unbind(ctx context.Context, c *cloudflare.Client, r Request, _ Result, now func() time.Time) (Result, error) {
	result := Result{Project: r.Project}
	project, err := c.Project(ctx, r.Project)
	if cloudflare.IsNotFound(err) {
		return result, nil
	}
	if err != nil {
		return Result{}, fmt.Errorf("reading the Pages project: %w", err)
	}
	gone := target{}
	gone.drop(project, r.Wanted)
	return result, apply(ctx, c, &project, gone, &result, now)
}

// apply makes the project hold the target with at most one PATCH, reads again
// what the API made of it, and notes in the result what was written.
func apply(ctx context.Context, c *cloudflare.Client, p *cloudflare.Project, t target, result *Result, now func() time.Time) error {
	ch := t.from(*p)
	if ch.none() {
		return nil
	}
	if err := checkWranglerFile(*p, ch.set, t); err != nil {
		return err
	}
	if err := c.PatchServices(ctx, result.Project, ch.patch); err != nil {
		return fmt.Errorf("patching the bindings %v: %w", ch.names(), err)
	}
	after, err := c.Project(ctx, result.Project)
	if err != nil {
		return fmt.Errorf("reading the Pages project after the change: %w", err)
	}
	if left := t.from(after); !left.none() {
		return fmt.Errorf("%v: %w", left.names(), errNotKept)
	}
	*p = after
	result.Found, result.Changed, result.Removed = ch.found, ch.set, ch.removed
	result.ChangedAt = now().UTC().Format(time.RFC3339)
	return nil
}

// Outdated tells whether a project's newest production deployment was made before the
// bindings were written, at a time as in RFC 3339. Without one of the two it is not.
func Outdated(newest *cloudflare.Deployment, changedAt string) bool {
	if newest == nil {
		return false
	}
	made, err := time.Parse(time.RFC3339, newest.CreatedOn)
	if err != nil {
		return false
	}
	changed, err := time.Parse(time.RFC3339, changedAt)
	return err == nil && made.Before(changed)
}
