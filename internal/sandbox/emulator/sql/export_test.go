package sql

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
