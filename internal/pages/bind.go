package pages

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"portfolio-infra/internal/cloudflare"
)

// BindResult is what bind or unbind did. As one line of JSON it is the command resource's
// standard output, and part of the stack's outputs.
type BindResult struct {
	Project string `json:"project"`
	// Wanted is what the environments hold now.
	Wanted
	// Digests has the digests of the secret variables that the environments hold now, by name.
	Digests map[string]string `json:"digests,omitempty"`
	// Recreated reports whether the project was deleted and bind created it again.
	Recreated bool `json:"made,omitempty"`
	// Found is what the project held before the write, by environment and name; null where
	// there was nothing.
	Found map[string]map[string]*Service `json:"found,omitempty"`
	// Changed and Removed name what was written, as environment.NAME.
	Changed []string `json:"changed,omitempty"`
	Removed []string `json:"removed,omitempty"`
	// ChangedAt is when bindings were last written, if that is known.
	ChangedAt string `json:"changedAt,omitempty"`
	// Redeploy reports whether the newest production deployment is older than ChangedAt. A
	// binding takes effect with the next deployment.
	Redeploy bool `json:"redeploy"`
}

var errNotPersisted = errors.New("the API accepted the change but did not persist it: run it again; if that does not help, look at the project in the dashboard")

// bind makes the project hold the wanted bindings, and removes those of an earlier bind
// that are no longer wanted.
//
// The engine creates the project before it runs bind, so a missing project was deleted by hand.
// bind creates it again. To Pulumi it is the same project, since its ID is its name.
func bind(ctx context.Context, c *cloudflare.Client, r BindRequest, previous BindResult, now func() time.Time) (BindResult, error) {
	result := BindResult{Project: r.Project, Wanted: r.Wanted}
	project, err := c.Project(ctx, r.Project)
	if cloudflare.IsNotFound(err) && r.ProductionBranch != "" {
		if err := c.CreateProject(ctx, r.Project, r.ProductionBranch); err != nil {
			return BindResult{}, fmt.Errorf("creating the deleted Pages project %q again: %w", r.Project, err)
		}
		result.Recreated = true
		project, err = c.Project(ctx, r.Project)
	}
	if err != nil {
		return BindResult{}, fmt.Errorf("reading the Pages project: %w", err)
	}
	want, before := targetOf(r.Wanted), earlier{}
	if previous.Project == r.Project {
		want.removeUnchanged(project, previous.Wanted)
		before = earlier{previous.Vars, previous.Digests}
		result.ChangedAt = previous.ChangedAt
	}
	if len(r.Secrets) > 0 {
		result.Digests = r.digests()
	}
	if err := r.apply(ctx, c, &project, want, before, &result, now); err != nil {
		return BindResult{}, err
	}
	result.Redeploy = Outdated(project.CanonicalDeployment, result.ChangedAt)
	return result, nil
}

// unbind removes the bindings of the request that are still as bind set them.
func unbind(ctx context.Context, c *cloudflare.Client, r BindRequest, _ BindResult, now func() time.Time) (BindResult, error) {
	result := BindResult{Project: r.Project}
	project, err := c.Project(ctx, r.Project)
	if cloudflare.IsNotFound(err) {
		return result, nil
	}
	if err != nil {
		return BindResult{}, fmt.Errorf("reading the Pages project: %w", err)
	}
	want := target{}
	want.removeUnchanged(project, r.Wanted)
	before := earlier{r.Vars, r.digests()}
	return result, BindRequest{}.apply(ctx, c, &project, want, before, &result, now)
}

// apply makes the project hold the target and the settings with at most one PATCH, reads
// the project again, and adds to the result what was written.
func (r BindRequest) apply(ctx context.Context, c *cloudflare.Client, p *cloudflare.Project, t target, before earlier, result *BindResult, now func() time.Time) error {
	d, patch := t.diff(*p), map[string]cloudflare.ConfigPatch{}
	d.addSettings(r, *p, before, patch)
	if d.empty() && len(patch) == 0 {
		return nil
	}
	if err := checkWranglerFile(*p, r.withoutSecrets(d.set), t, r.Wanted); err != nil {
		return err
	}
	if err := c.PatchConfigs(ctx, result.Project, patch); err != nil {
		return fmt.Errorf("patching %v: %w", d.names(), err)
	}
	after, err := c.Project(ctx, result.Project)
	if err != nil {
		return fmt.Errorf("reading the Pages project after the change: %w", err)
	}
	rest, left := t.diff(after), map[string]cloudflare.ConfigPatch{}
	written := earlier{before.vars, maps.Clone(before.digests)}
	if written.digests == nil {
		written.digests = map[string]string{}
	}
	maps.Copy(written.digests, r.digests()) // the values cannot be read back
	rest.addSettings(r, after, written, left)
	if len(left) > 0 {
		return fmt.Errorf("%v: %w", rest.names(), errNotPersisted)
	}
	*p = after
	result.Found, result.Changed, result.Removed = d.found, d.set, d.removed
	result.ChangedAt = now().UTC().Format(time.RFC3339)
	return nil
}

// Outdated reports whether a project's newest production deployment was made before changedAt,
// the RFC 3339 time at which the bindings were written. It is false if either time is unknown.
func Outdated(newest *cloudflare.Deployment, changedAt string) bool {
	changed, err := time.Parse(time.RFC3339, changedAt)
	if err != nil || newest == nil {
		return false
	}
	deployed, err := time.Parse(time.RFC3339, newest.CreatedOn)
	return err == nil && deployed.Before(changed)
}
