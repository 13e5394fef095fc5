package migrator

import "time"

// WithTicks returns the job with other moments to show progress.
func (j Job) WithTicks(ticks <-chan time.Time) Job {
	j.ticks = ticks
	return j
}

// WithPatience returns the job with another time to wait for the lock.
func (j Job) WithPatience(patience time.Duration) Job {
	j.patience = patience
	return j
}
