package sql

import (
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"net"
	"path/filepath"
	"slices"
	"strconv"

	"portfolio-infra/internal/sandbox/emulator"
)

// The range of the clusters' ports. No operating system gives these to programs that ask for
// any port. So a cluster that comes back mostly finds its port free.
const (
	firstPort = 20000
	portCount = 10000
)

func (s *Servers) portsFile() string { return filepath.Join(s.dir, "ports.json") }

// listen opens a cluster's port: the one that it had before, or the first free one. The search
// begins at a port that follows from the ID, so clusters of other sandboxes rarely take the
// port of one that is down.
func (s *Servers) listen(clusterID string) (net.Listener, error) {
	if port, ok := s.ports[clusterID]; ok {
		return listenLoopback(port) // the error names it
	}
	taken := slices.Collect(maps.Values(s.ports))
	h := fnv.New32a()
	_, _ = h.Write([]byte(clusterID)) // never fails
	for i := range uint32(portCount) {
		port := firstPort + int((h.Sum32()+i)%portCount)
		if slices.Contains(taken, port) {
			continue
		}
		l, err := listenLoopback(port)
		if err != nil {
			continue
		}
		s.ports[clusterID] = port
		if err := emulator.Save(s.portsFile(), s.ports); err != nil {
			return nil, errors.Join(err, l.Close())
		}
		return l, nil
	}
	return nil, fmt.Errorf("no port from %d to %d is free", firstPort, firstPort+portCount-1)
}

func listenLoopback(port int) (net.Listener, error) {
	return net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
}
