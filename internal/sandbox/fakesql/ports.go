package fakesql

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"

	"portfolio-infra/internal/sandbox/wire"
)

// The ports of the clusters are taken from a range that no operating system
// hands out to programs that ask for any port, so that a cluster that was down
// for a while mostly finds its port free.
const (
	firstPort = 20000
	portCount = 10000
)

// portsFile keeps the ports, in Servers.Dir.
const portsFile = "ports.json"

// ports are the clusters' ports, by cluster. They stay the same between runs,
// because clients keep them: in a DATABASE_URL, or in Pulumi's state.
type ports struct {
	dir string
	of  map[string]int
}

func openPorts(dir string) (*ports, error) {
	p := &ports{dir: dir, of: map[string]int{}}
	if dir == "" {
		return p, nil
	}
	if err := wire.Load(filepath.Join(dir, portsFile), &p.of); err != nil {
		return nil, fmt.Errorf("loading the ports: %w", err)
	}
	return p, nil
}

// listen opens a cluster's port: the one that it always had, or else one that
// follows from its ID, or else the next free one.
func (p *ports) listen(clusterID string) (net.Listener, error) {
	if port, ok := p.of[clusterID]; ok {
		l, err := listen(port)
		if errors.Is(err, syscall.EADDRINUSE) {
			return nil, fmt.Errorf("its port %d is taken by another process: end that one first", port)
		}
		return l, err
	}
	taken := slices.Collect(maps.Values(p.of))
	h := fnv.New32a()
	_, _ = h.Write([]byte(clusterID)) // never fails
	for i := range portCount {
		port := firstPort + int((h.Sum32()+uint32(i))%portCount)
		if slices.Contains(taken, port) {
			continue
		}
		l, err := listen(port)
		if errors.Is(err, syscall.EADDRINUSE) {
			continue
		}
		if err != nil {
			return nil, err
		}
		p.of[clusterID] = port
		if err := p.save(); err != nil {
			delete(p.of, clusterID)
			return nil, errors.Join(err, l.Close())
		}
		return l, nil
	}
	return nil, fmt.Errorf("no port from %d to %d is free", firstPort, firstPort+portCount-1)
}

// forget frees a cluster's port for others.
func (p *ports) forget(clusterID string) error {
	if _, ok := p.of[clusterID]; !ok {
		return nil
	}
	delete(p.of, clusterID)
	return p.save()
}

func (p *ports) save() error {
	if p.dir == "" {
		return nil
	}
	if err := wire.Save(filepath.Join(p.dir, portsFile), p.of); err != nil {
		return fmt.Errorf("saving the ports: %w", err)
	}
	return nil
}

// listen opens a port of the loopback address only: nothing of the sandbox is
// there for other machines.
func listen(port int) (net.Listener, error) {
	return (&net.ListenConfig{}).Listen(context.Background(), "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
}
