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

// The ports of the clusters are taken from a range that no operating system
// hands out to programs that ask for any port, so that a cluster that was down
// for a while mostly finds its port free.
const (
	firstPort = 20000
	portCount = 10000
)

// ports are the clusters' ports, by cluster. They stay the same between runs,
// because clients keep them: in a DATABASE_URL, or in Pulumi's state.
type ports struct {
	file string // "" for none
	of   map[string]int
}

func openPorts(dir string) (*ports, error) {
	p := &ports{of: map[string]int{}}
	if dir == "" {
		return p, nil
	}
	p.file = filepath.Join(dir, "ports.json")
	return p, emulator.Load(p.file, &p.of)
}

// listen opens a cluster's port: the one that it always had, or else one that
// follows from its ID, or else the next free one.
func (p *ports) listen(clusterID string) (net.Listener, error) {
	if port, ok := p.of[clusterID]; ok {
		return listen(port) // the error names it
	}
	taken := slices.Collect(maps.Values(p.of))
	h := fnv.New32a()
	_, _ = h.Write([]byte(clusterID)) // never fails
	var err error
	for i := range portCount {
		port := firstPort + int((h.Sum32()+uint32(i))%portCount)
		if slices.Contains(taken, port) {
			continue
		}
		var l net.Listener
		if l, err = listen(port); err != nil {
			continue
		}
		p.of[clusterID] = port
		if err := p.save(); err != nil {
			delete(p.of, clusterID)
			return nil, errors.Join(err, l.Close())
		}
		return l, nil
	}
	return nil, fmt.Errorf("no port from %d to %d is free: %w", firstPort, firstPort+portCount-1, err)
}

func (p *ports) save() error {
	if p.file == "" {
		return nil
	}
	return emulator.Save(p.file, p.of)
}

// listen opens a port of the loopback address only.
func listen(port int) (net.Listener, error) {
	return net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
}
