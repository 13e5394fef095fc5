package tidbcloud

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"portfolio-infra/internal/rest"
)

// How often a busy cluster is polled. Real clusters take about 10 seconds, so during the
// first half minute each second counts; with the slower polls after it that stays well
// below 100 requests a minute.
const (
	fastPolling     = 30 * time.Second
	fastestInterval = time.Second
	slowestInterval = 5 * time.Second
	// minPause separates polls of which one takes longer than the interval.
	minPause = 200 * time.Millisecond
	// repeatStatus is how often an unchanged status is reported.
	repeatStatus = 3 * time.Second
)

// OnStatus reports the progress of a wait: at once, at each change, and every few
// seconds. status is a state, or why the state is unknown.
type OnStatus func(status string, waited time.Duration)

// StateError is the error of a cluster in a state that waiting does not change.
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
		// The flag is the CLI's only one for it (internal/cli/serverless/update.go, see above).
		s += fmt.Sprintf(", but its public endpoint is switched off; switch it on in the TiDB Cloud console, or with "+
			"`ticloud serverless update --cluster-id %s --disable-public-endpoint=false`", e.Cluster.ID)
	}
	return s
}

// WaitUntilConnectable waits until a cluster is ACTIVE and its host, port and user
// prefix are known, and returns it. It ends with ctx; the error then names the last
// state. A cluster that is INACTIVE, DELETING or DELETED, or ACTIVE with its public
// endpoint switched off, is a [*StateError] at once; any other state may change.
// Retryable errors of the API do not end the wait.
func (c *Client) WaitUntilConnectable(ctx context.Context, id string, on OnStatus) (*Cluster, error) {
	cluster, err := c.poll(ctx, id, on, func(cluster *Cluster, err error) (bool, error) {
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

// WaitUntilGone waits until a cluster whose deletion began no longer exists: the API
// responds 404, or 403 as it does right after a delete, or says DELETED.
func (c *Client) WaitUntilGone(ctx context.Context, id string, on OnStatus) error {
	_, err := c.poll(ctx, id, on, func(cluster *Cluster, err error) (bool, error) {
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

// poll reads a cluster again and again until check says done or fails.
func (c *Client) poll(ctx context.Context, id string, on OnStatus, check func(*Cluster, error) (done bool, err error)) (*Cluster, error) {
	start := time.Now()
	status, reported, reportedAt := unknownState, "", start
	for interval := fastestInterval; ; {
		began := time.Now()
		cluster, err := c.GetCluster(ctx, id)
		done, err := check(cluster, err)
		switch {
		case done:
			return cluster, nil
		case err != nil && ctx.Err() != nil:
			// The error below names the last status.
		case err != nil && !rest.Retryable(err):
			return nil, err
		case err != nil:
			status = fmt.Sprintf("unreachable (%v)", err)
		default:
			status = cluster.status()
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
			return nil, err // an earlier poll would only make it worse
		}
		if rest.Sleep(ctx, max(interval-time.Since(began), minPause, asked)) != nil {
			return nil, fmt.Errorf("still %s after %s: %w; check it in the TiDB Cloud console, or run it again to keep waiting",
				status, time.Since(start).Round(time.Second), ctx.Err())
		}
	}
}

const unknownState = "in an unknown state"

// status returns the state for [OnStatus].
func (c *Cluster) status() string {
	if c.State == StateActive && !c.Connectable() {
		return "ACTIVE without an address"
	}
	return cmp.Or(string(c.State), unknownState)
}
