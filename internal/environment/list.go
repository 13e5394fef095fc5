package main

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"portfolio-infra/internal/cloudflare"
	"portfolio-infra/internal/environment/mark"
	"portfolio-infra/internal/rest"
	"portfolio-infra/internal/tidbcloud"
)

// Where the owner is, see [portfolio-infra/internal/stack] and [portfolio-infra/internal/provider].
const (
	varOwner     = "PULUMI_STACK"
	labelOwner   = "pulumi.com/owner" // of clusters, and an annotation of branches
	labelMadeFor = "pulumi.com/made-for"
)

// thing is something in a cloud that belongs to an environment.
type thing struct {
	number int    // of the pull request
	name   string // for people
	marked bool   // false for a Pages project that bears no mark but is the environment's by its name
	stays  string // why it is not removed, if it is not
	going  bool   // it is being removed

	remove func(context.Context) error
	wait   func(context.Context) error // until it is gone; nil if a removal is not waited for
}

// lister makes one list.
type lister struct {
	*clouds
	only   int // the number of a pull request, or 0 for all
	owners map[string]workerOwner
}

// workerOwner is what a Worker says of its owner, which is empty without one.
type workerOwner struct {
	exists bool
	owner  string
}

// list returns what belongs to the environment of a pull request, or to any if the number is 0. A
// thing comes before those that cannot be removed while it is there.
func (c *clouds) list(ctx context.Context, only int) (things []thing, err error) {
	l := &lister{c, only, map[string]workerOwner{}}
	for _, list := range []func(context.Context) ([]thing, error){l.projects, l.workers, l.clusters} {
		found, err := list(ctx)
		if err != nil {
			return nil, err
		}
		things = append(things, found...)
	}
	return things, nil
}

// find returns the pull request of the wanted environment whose mark an owner bears.
func (l *lister) find(owner string) (n int, ok bool) {
	n, ok = mark.Find(owner, l.repository)
	return n, ok && (l.only == 0 || n == l.only)
}

var stackName = regexp.MustCompile(`-pr-([1-9][0-9]{0,8})$`)

// named returns the pull request of the wanted environment that a Pages project may belong to by its
// name: all names come from the stack.
func (l *lister) named(project string) (n int, ok bool) {
	found := stackName.FindStringSubmatch(project)
	if found == nil {
		return 0, false
	}
	n, err := strconv.Atoi(found[1])
	return n, err == nil && (l.only == 0 || n == l.only)
}

const workerSuffix = "-api"

func (l *lister) workers(ctx context.Context) (things []thing, err error) {
	names, err := l.cloudflare.Scripts(ctx)
	if err != nil {
		return nil, fmt.Errorf("listing the Workers: %w", err)
	}
	for _, name := range names {
		project, isAPI := strings.CutSuffix(name, workerSuffix)
		if _, ok := l.named(project); !isAPI || !ok {
			continue
		}
		worker, err := l.owner(ctx, name)
		if err != nil {
			return nil, err
		}
		if n, ok := l.find(worker.owner); ok {
			things = append(things, thing{number: n, name: fmt.Sprintf("the Worker %q", name), marked: true,
				remove: func(ctx context.Context) error { return l.cloudflare.DeleteScript(ctx, name) }})
		}
	}
	return things, nil
}

// owner reads the owner of a Worker once.
func (l *lister) owner(ctx context.Context, worker string) (workerOwner, error) {
	if known, ok := l.owners[worker]; ok {
		return known, nil
	}
	script, err := l.cloudflare.Script(ctx, worker)
	if err != nil && !cloudflare.IsNotFound(err) {
		return workerOwner{}, fmt.Errorf("reading the owner of the Worker %q: %w", worker, err)
	}
	l.owners[worker] = workerOwner{err == nil, script.Var(varOwner)}
	return l.owners[worker], nil
}

// clusters lists the clusters after all branches, some of which may be below them.
func (l *lister) clusters(ctx context.Context) (branches []thing, err error) {
	all, err := l.tidbcloud.ListClusters(ctx)
	if err != nil {
		return nil, err
	}
	var clusters []thing
	for _, c := range all {
		if c.State == tidbcloud.StateDeleted { // it is gone, see WaitUntilGone
			continue
		}
		if n, ok := l.find(c.Labels[labelOwner]); ok {
			clusters = append(clusters, l.cluster(n, c))
		}
		if c.State.Deleting() {
			continue // with its branches (assumed)
		}
		below, err := l.branches(ctx, c)
		if err != nil {
			return nil, err
		}
		branches = append(branches, below...)
	}
	return append(branches, clusters...), nil
}

// cluster returns the cluster of an environment. The deletion protection is the provider's, which
// only a state has.
func (l *lister) cluster(n int, c tidbcloud.Cluster) thing {
	t := thing{number: n, name: "the cluster " + c.String(), marked: true, going: c.State.Deleting(),
		remove: func(ctx context.Context) error { return l.tidbcloud.DeleteCluster(ctx, c.ID) },
		wait:   func(ctx context.Context) error { return l.tidbcloud.WaitUntilGone(ctx, c.ID, nil) }}
	if !mark.Bears(c.Labels[labelMadeFor], mark.Of(l.repository, n)) {
		t.stays = "it was adopted, so it is somebody else's: take its label " + labelOwner + " away in the TiDB Cloud console"
	}
	return t
}

// branches lists the branches of a cluster that bear a mark. The list may lack annotations. What
// cannot be read counts by its name, since the list may lag behind, or the answer be wrong.
func (l *lister) branches(ctx context.Context, c tidbcloud.Cluster) (things []thing, err error) {
	all, err := l.tidbcloud.ListBranches(ctx, c.ID)
	if rest.StatusIs(err, 404) {
		// Somebody may be deleting the cluster.
		if live, readErr := l.tidbcloud.GetCluster(ctx, c.ID); rest.StatusIs(readErr, 404) || readErr == nil && live.State.Deleting() {
			return nil, nil
		}
	}
	if err != nil {
		return nil, err
	}
	for _, listed := range all {
		b, err := l.tidbcloud.GetBranch(ctx, c.ID, listed.ID)
		switch {
		case rest.StatusIs(err, 404):
			b = &listed
		case err != nil:
			return nil, err
		}
		owner := b.Annotations[labelOwner]
		if owner == "" {
			owner = b.DisplayName // which contains it, where TiDB Cloud keeps no annotations
		}
		if n, ok := l.find(owner); ok {
			things = append(things, thing{number: n, name: fmt.Sprintf("the branch %s of the cluster %s", b, &c), marked: true, going: b.State.Deleting(),
				remove: func(ctx context.Context) error { return l.tidbcloud.DeleteBranch(ctx, c.ID, b.ID) },
				wait:   func(ctx context.Context) error { return l.tidbcloud.WaitUntilBranchGone(ctx, c.ID, b.ID, nil) }})
		}
	}
	return things, nil
}
