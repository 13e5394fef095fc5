package main

import (
	"context"
	"fmt"
	"slices"

	"portfolio-infra/internal/cloudflare"
	"portfolio-infra/internal/environment/mark"
	"portfolio-infra/internal/pages"
)

// projects lists the Pages projects of environments.
//
// A project has no place for a mark. It is an environment's if it has the name that the stack gives
// it, or at least the end of such a name and a Worker that bears the mark. It is removed only if its
// Worker is gone or bears the mark, and all its deployments bear the mark.
func (l *lister) projects(ctx context.Context) (things []thing, err error) {
	all, err := l.cloudflare.Projects(ctx)
	if err != nil {
		return nil, fmt.Errorf("listing the Pages projects: %w", err)
	}
	for _, p := range all {
		n, ok := l.named(p.Name)
		if !ok {
			continue
		}
		facts, err := l.facts(ctx, p, n)
		if err != nil {
			return nil, err
		}
		if !facts.belongs() {
			continue
		}
		things = append(things, thing{number: n, name: fmt.Sprintf("the Pages project %q", p.Name),
			marked: facts.ours || facts.marked > 0, stays: facts.stays(),
			remove: func(ctx context.Context) error {
				if err := pages.Shrink(ctx, l.cloudflare, p.Name); err != nil && !cloudflare.IsNotFound(err) {
					return err
				}
				return l.cloudflare.DeleteProject(ctx, p.Name)
			}})
	}
	return things, nil
}

// projectFacts say whose a Pages project is.
type projectFacts struct {
	named bool // as the stack names it
	// What the project's Workers that exist bear: the mark, the name of one with another owner, and
	// that of one without.
	ours                bool
	theirs, nobodys     string
	deployments, marked int
}

// facts reads whose a Pages project is that may belong to a pull request's environment.
func (l *lister) facts(ctx context.Context, p cloudflare.Project, n int) (f projectFacts, err error) {
	f.named = p.Name == l.settings.Name(n)
	wanted := mark.Of(l.repository, n)
	for _, name := range itsWorkers(p) {
		worker, err := l.owner(ctx, name)
		switch {
		case err != nil:
			return f, err
		case !worker.exists:
		case mark.Bears(worker.owner, wanted):
			f.ours = true
		case worker.owner != "":
			f.theirs = name
		default:
			f.nobodys = name
		}
	}
	if !f.named && !f.ours {
		return f, nil
	}
	deployments, err := l.cloudflare.AllDeployments(ctx, p.Name)
	if err != nil && !cloudflare.IsNotFound(err) {
		return f, fmt.Errorf("listing the deployments of the Pages project %q: %w", p.Name, err)
	}
	for _, d := range deployments {
		f.deployments++
		if mark.Bears(pages.Owner(d), wanted) {
			f.marked++
		}
	}
	return f, nil
}

// itsWorkers returns the Workers that say whose a project is: its own API by the name that the stack
// gives it, if it is bound to that Worker or to none, and otherwise all that it is bound to. Others
// that it is bound to beside its own are of the key moreBindings.
func itsWorkers(p cloudflare.Project) []string {
	own, bound := p.Name+workerSuffix, p.BoundTo()
	if len(bound) == 0 || slices.Contains(bound, own) {
		return []string{own}
	}
	return bound
}

// belongs reports whether the project is the environment's, and not that of another repository or
// of somebody else.
func (f projectFacts) belongs() bool {
	switch {
	case f.marked > 0:
		return f.named || f.ours
	case f.deployments > 0: // all of them are somebody else's
		return f.named && f.ours
	}
	return f.named && f.theirs == "" || f.ours
}

// stays returns why the project is not removed, or "".
func (f projectFacts) stays() string {
	const look = ": look at it in the Cloudflare dashboard, and delete it there if nobody needs it"
	switch {
	case f.theirs != "":
		return fmt.Sprintf("its Worker %q has another owner", f.theirs) + look
	case f.nobodys != "":
		return fmt.Sprintf("its Worker %q bears no mark", f.nobodys) + look
	case f.marked < f.deployments:
		return fmt.Sprintf("%d of its %d deployments bear no mark of this environment", f.deployments-f.marked, f.deployments) + look
	}
	return ""
}
