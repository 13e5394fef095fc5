package tidbcloud

import (
	"context"
	"fmt"
	"time"

	"portfolio-infra/internal/rest"
)

// Pace of looking at a cluster that is busy. Real clusters take about 10 seconds,
// so during the first half minute each second counts; 30 looks and the slower ones
// after them stay well below 100 requests a minute.
const (
	fastLooks   = 30 * time.Second
	fastestLook = time.Second
	slowestLook = 5 * time.Second
	// leastPause keeps looks apart when one takes longer than the interval.
	leastPause = 200 * time.Millisecond
	// sayAgain is how often an unchanged state is reported.
	sayAgain = 3 * time.Second
)

// OnStatus is told how a wait goes: at once, at each change, and every few seconds.
// status is a state, or what keeps the cluster from being seen.
type OnStatus func(status string, waited time.Duration)

// StateError says that a cluster is in a state that waiting does not change.
type StateError struct {
	Cluster Cluster
}

// Error names the state and what to do.
func (e *StateError) Error() string {
	s := fmt.Sprintf("cluster %s is %s", &e.Cluster, e.Cluster.State)
	if e.Cluster.State == StateInactive {
		s += "; resume it in the TiDB Cloud console (often the monthly usage or the spending limit is used up)"
	}
	return s
}

// WaitUntilConnectable waits until a cluster is ACTIVE and its host, port and user
// prefix are known, and returns it so. It ends with ctx; the error then carries the
// last state. A cluster that is INACTIVE, DELETING or DELETED is a [*StateError] at
// once; every other state may pass. Errors of the API that may pass are waited out
// too.
func (c *Client) WaitUntilConnectable(ctx context.Context, id string, on OnStatus) (*Cluster, error) {
	var last *Cluster
	err := c.watch(ctx, id, on, func(cluster *Cluster, err error) (string, bool, error) {
		switch {
		case err != nil:
			return "", false, err
		case cluster.Connectable():
			last = cluster
			return "", true, nil
		case cluster.State == StateInactive || cluster.State.Deleting():
			return "", false, &StateError{*cluster}
		case cluster.State == StateActive:
			return "ACTIVE without an address", false, nil
		case cluster.State == "":
			return "in no state yet", false, nil
		}
		return string(cluster.State), false, nil
	})
	if err != nil {
		return nil, fmt.Errorf("waiting for cluster %s: %w", id, err)
	}
	return last, nil
}

// WaitUntilGone waits until a cluster that was asked to be deleted no longer exists:
// the API answers 404, or 403 as it does right after a delete, or says DELETED.
func (c *Client) WaitUntilGone(ctx context.Context, id string, on OnStatus) error {
	err := c.watch(ctx, id, on, func(cluster *Cluster, err error) (string, bool, error) {
		switch {
		case rest.StatusIs(err, 404, 403):
			return "", true, nil
		case err != nil:
			return "", false, err
		}
		return string(cluster.State), cluster.State == StateDeleted, nil
	})
	if err != nil {
		return fmt.Errorf("waiting for the end of cluster %s: %w", id, err)
	}
	return nil
}

// watch looks at a cluster again and again until judge says done or fails. judge
// words the state it sees.
func (c *Client) watch(ctx context.Context, id string, on OnStatus,
	judge func(*Cluster, error) (status string, done bool, err error),
) error {
	start := time.Now()
	status, said, saidAt := "not seen yet", "", start
	for interval := fastestLook; ; {
		began := time.Now()
		now, done, err := judge(c.GetCluster(ctx, id))
		switch {
		case done:
			return nil
		case err != nil && ctx.Err() != nil:
			// Told below, with the last state.
		case err != nil && !rest.Retryable(err):
			return err
		case err != nil:
			status = fmt.Sprintf("out of sight (%v)", err)
		default:
			status = now
		}
		if on != nil && ctx.Err() == nil && (status != said || time.Since(saidAt) >= sayAgain) {
			on(status, time.Since(start).Round(time.Second))
			said, saidAt = status, time.Now()
		}

		if time.Since(start) >= fastLooks {
			interval = min(interval+fastestLook, slowestLook)
		}
		asked := rest.RetryAfter(err)
		if deadline, ok := ctx.Deadline(); asked > 0 && (asked > rest.MaxWait || ok && asked > time.Until(deadline)) {
			return err // looking again before that would only make it worse
		}
		pause := time.NewTimer(max(interval-time.Since(began), leastPause, asked))
		select {
		case <-ctx.Done():
			pause.Stop()
			return fmt.Errorf("still %s after %s: %w; look at it in the TiDB Cloud console, or run it again to wait on",
				status, time.Since(start).Round(time.Second), ctx.Err())
		case <-pause.C:
		}
	}
}
