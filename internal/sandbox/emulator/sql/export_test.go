package sql

import (
	"maps"
	"slices"
	"time"
)

// KillTiDB kills the server of a cluster that runs, without a warning.
func (s *Servers) KillTiDB(clusterID string) {
	c, err := s.cluster(clusterID)
	if err != nil {
		panic(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	_ = c.server.cmd.Process.Kill()
	<-c.server.done
}

// Running returns the clusters whose servers run, sorted.
func (s *Servers) Running() (ids []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range slices.Sorted(maps.Keys(s.clusters)) {
		if running, _, _ := s.clusters[id].state(); running {
			ids = append(ids, id)
		}
	}
	return ids
}

// Idle reports whether a cluster has no connections.
func (s *Servers) Idle(clusterID string) bool {
	c, err := s.cluster(clusterID)
	if err != nil {
		panic(err)
	}
	_, idle, _ := c.state()
	return idle
}

// CPUTime ends the server of a cluster that runs, and returns the time that it took.
func (s *Servers) CPUTime(clusterID string) time.Duration {
	c, err := s.cluster(clusterID)
	if err != nil {
		panic(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	server := c.server
	_ = c.stop()
	return server.cmd.ProcessState.UserTime() + server.cmd.ProcessState.SystemTime()
}
