package tidbcloud

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"portfolio-infra/internal/rest"
)

// How often a busy cluster or branch is polled. A real cluster takes about 10 seconds, so the polls of the
// first half minute are fast. With the slower ones after that, a wait stays well below 100
// requests a minute.
const (
	fastPolling     = 30 * time.Second
	fastestInterval = time.Second
	slowestInterval = 5 * time.Second
	// minPause follows a poll that takes longer than the interval.
	minPause = 200 * time.Millisecond
	// repeatStatus is how often an unchanged status is reported.
	repeatStatus = 3 * time.Second
)

// OnStatus reports the progress of a wait: at its start, at each change, and every few seconds.
// status is a state, or why the state is unknown.
type OnStatus func(status string, waited time.Duration)

// StateError says that a cluster is in a state in which waiting does not help.
type StateError struct {
	Cluster Cluster
}

// Error names the state and what to do.
func (e *StateError) Error() string {
	s := fmt.Sprintf("cluster %s is %s", &e.Cluster, e.Cluster.State)
	switch {
	case e.Cluster.State == StateInactive:
		s += "; resume it in the TiDB Cloud console (often the monthly usage or the spending limit is used up)"
	case e.Cluster.EndpointOff && !e.Cluster.State.Deleting():
		// https://github.com/tidbcloud/tidbcloud-cli/blob/main/internal/cli/serverless/update.go
		s += fmt.Sprintf(", but its public endpoint is switched off; switch it on in the TiDB Cloud console, or with "+
			"`ticloud serverless update --cluster-id %s --disable-public-endpoint=false`", e.Cluster.ID)
	}
	return s
}

// WaitUntilConnectable waits until clients can connect to a cluster, and returns it.
//
// A cluster that is INACTIVE, DELETING or DELETED, or ACTIVE with its public endpoint switched
// off, is a [*StateError] at once. Any other state may change. Retryable errors of the API do
// not end the wait. If ctx does, the error names the last state.
func (c *Client) WaitUntilConnectable(ctx context.Context, id string, on OnStatus) (*Cluster, error) {
	cluster, err := poll(ctx, c.cluster(id), on, func(cluster *Cluster, err error) (bool, error) {
		if err == nil && (cluster.State == StateInactive || cluster.State.Deleting() || cluster.State == StateActive && cluster.EndpointOff) {
			err = &StateError{*cluster}
		}
		return err == nil && cluster.Connectable(), err
	})
	if err != nil {
		return nil, fmt.Errorf("waiting for cluster %s: %w", id, err)
	}
	return cluster, nil
}

// WaitUntilGone waits until a cluster that is being deleted no longer exists. The API then
// responds 404, or 403 right after the delete, or the state DELETED.
func (c *Client) WaitUntilGone(ctx context.Context, id string, on OnStatus) error {
	_, err := poll(ctx, c.cluster(id), on, func(cluster *Cluster, err error) (bool, error) {
		if rest.StatusIs(err, 404, 403) {
			return true, nil
		}
		return err == nil && cluster.State == StateDeleted, err
	})
	if err != nil {
		return fmt.Errorf("waiting for the deletion of cluster %s: %w", id, err)
	}
	return nil
}

// cluster returns the read of a cluster, for [poll].
func (c *Client) cluster(id string) func(context.Context) (*Cluster, error) {
	return func(ctx context.Context) (*Cluster, error) { return c.GetCluster(ctx, id) }
}

// poll reads a cluster or a branch again and again until check says done or fails.
func poll[T interface{ status() string }](ctx context.Context, get func(context.Context) (T, error), on OnStatus, check func(T, error) (done bool, err error)) (none T, _ error) {
	start := time.Now()
	status, reported, reportedAt := unknownState, "", start
	for interval := fastestInterval; ; {
		began := time.Now()
		live, err := get(ctx)
		done, err := check(live, err)
		switch {
		case done:
			return live, nil
		case err != nil && ctx.Err() != nil:
			// The error below names the last status.
		case err != nil && !rest.Retryable(err):
			return none, err
		case err != nil:
			status = fmt.Sprintf("unreachable (%v)", err)
		default:
			status = live.status()
		}
		if on != nil && ctx.Err() == nil && (status != reported || time.Since(reportedAt) >= repeatStatus) {
			on(status, time.Since(start).Round(time.Second))
			reported, reportedAt = status, time.Now()
		}

		if time.Since(start) >= fastPolling {
			interval = min(interval+fastestInterval, slowestInterval)
		}
		asked := rest.RetryAfter(err)
		if deadline, ok := ctx.Deadline(); asked > 0 && (asked > rest.MaxWait || ok && asked > time.Until(deadline)) {
			return none, err // a poll before that would only add to the limit
		}
		if rest.Sleep(ctx, max(interval-time.Since(began), minPause, asked)) != nil {
			return none, fmt.Errorf("still %s after %s: %w; check it in the TiDB Cloud console, or run it again to keep waiting",
				status, time.Since(start).Round(time.Second), ctx.Err())
		}
	}
}

const unknownState = "in an unknown state"

// status returns the state for [OnStatus].
func (c *Cluster) status() string { return statusOf(c.State, c.Connectable()) }

func statusOf(state State, connectable bool) string {
	if state == StateActive && !connectable {
		return "ACTIVE without an address"
	}
	return cmp.Or(string(state), unknownState)
}
