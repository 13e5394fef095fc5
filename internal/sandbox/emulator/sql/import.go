package sql

import (
	"errors"
	"fmt"
	"os"
)

// importDump creates a cluster's data from the SQL that an earlier version of this package
// kept. It then renames the file, so this happens once. If a statement fails, nothing is
// created.
func (c *cluster) importDump(file string) error {
	dump, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if _, err := os.Stat(c.dir); errors.Is(err, os.ErrNotExist) {
		// The dump creates all databases.
		script := "DROP DATABASE test;\n" + string(dump) + "\n;CREATE DATABASE IF NOT EXISTS test"
		if err := c.create(func(p *process) error { return p.run(script) }); err != nil {
			return fmt.Errorf("moving the data of %s into TiDB: %w\nThe file is as it was: correct that statement in it, or remove it to begin without its data", file, err)
		}
	}
	return os.Rename(file, file+".imported")
}

// create creates the cluster's data and lets fill change it.
func (c *cluster) create(fill func(*process) error) error {
	if err := c.servers.hasTiDB(); err != nil {
		return err
	}
	scratch := c.dir + ".import"
	if err := os.RemoveAll(scratch); err != nil { // an interrupted import may have left it
		return err
	}
	defer func() { _ = os.RemoveAll(scratch) }()
	if err := createData(c.servers.TiDB, c.servers.dir, scratch); err != nil {
		return err
	}
	p, err := startProcess(c.servers.TiDB, scratch)
	if err != nil {
		return err
	}
	if err := errors.Join(fill(p), p.stop()); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed { // it may be deleted
		return errClosed
	}
	return os.Rename(scratch, c.dir)
}
