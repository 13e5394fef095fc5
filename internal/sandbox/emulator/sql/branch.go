package sql

import (
	"context"
	"crypto/rand"
	"crypto/sha1" // mysql_native_password is made of it
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"

	"portfolio-infra/internal/sandbox/emulator"
)

// origin is what a branch is a copy of. The copy is made at the first connection, so that a new
// branch takes no time. TiDB keeps all versions of all rows, so it is the same copy then.
type origin struct {
	Parent string    `json:"parent"`
	At     time.Time `json:"at"`
}

func (c *cluster) originFile() string { return c.dir + ".branch.json" }

// CreateBranch opens the port of a branch, which has the schema and the rows that its parent had
// at a moment, and none of its users. If the branch exists with another moment, its data is
// copied anew; its port and the users that PutUser created stay, also those dropped by SQL since.
func (s *Servers) CreateBranch(parentID, branchID string, at time.Time) (err error) {
	defer named(branchID, &err)
	// Only what was written in the millisecond of the moment may be later than it.
	at = at.UTC().Add(time.Millisecond - 1).Truncate(time.Millisecond)
	if err := s.CreateCluster(branchID); err != nil {
		return err
	}
	c, err := s.cluster(branchID)
	if err != nil {
		return err
	}
	return c.setOrigin(origin{parentID, at})
}

// setOrigin makes the cluster a branch. If it is one of another moment, it drops the data.
func (c *cluster) setOrigin(o origin) error {
	c.copying.Lock()
	defer c.copying.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.origin == o {
		return nil
	}
	c.disconnect()
	c.origin = o
	for name, a := range c.accounts {
		a.Known = false
		c.accounts[name] = a
	}
	return errors.Join(c.stop(), os.RemoveAll(c.dir), emulator.Save(c.accountsFile(), c.accounts), emulator.Save(c.originFile(), o))
}

// copyParent makes the data of a branch, unless it is there. The caller holds no lock, since the
// parent's server may have to start.
func (c *cluster) copyParent() error {
	c.copying.Lock()
	defer c.copying.Unlock()
	c.mu.Lock()
	from := c.origin
	c.mu.Unlock()
	if _, err := os.Stat(c.dir); from == (origin{}) || err == nil {
		return nil
	}
	parent, err := c.servers.cluster(from.Parent)
	if err == nil {
		err = parent.read(c.id(), func(ctx context.Context, conn *sql.Conn) error {
			return c.create(func(p *process) error {
				// A view can be used only if its definer exists. After a reset nobody else creates it.
				name, root := c.root()
				if root != (account{}) {
					if err := root.apply(p, name); err != nil {
						return err
					}
				}
				return copyData(ctx, conn, from.At, name, p.run)
			})
		})
	}
	if err != nil {
		return fmt.Errorf("copying cluster %s: %w", from.Parent, err)
	}
	return nil
}

// root returns the full name of a branch's root and its account. Without a password it has none,
// and nobody can log in.
func (c *cluster) root() (string, account) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for name, a := range c.accounts {
		if strings.HasSuffix(name, ".root") {
			return name, a
		}
	}
	return "root", account{}
}

// read calls f with a connection to the server, whether or not the endpoint is disabled. For
// that time the server has a user of the name, who may see everything.
func (c *cluster) read(name string, f func(context.Context, *sql.Conn) error) (err error) {
	password := rand.Text()
	once := sha1.Sum([]byte(password))
	twice := sha1.Sum(once[:])
	if err := c.setUser(name, account{Hash: "*" + strings.ToUpper(hex.EncodeToString(twice[:])), Role: "role_admin"}); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.setUser(name, account{Dropped: true})) }()
	config := mysql.NewConfig()
	config.User, config.Passwd = name, password
	config.TLS, config.Logger = c.servers.tlsConfig(), &mysql.NopLogger{}
	config.DialFunc = func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		c.mu.Lock()
		c.conns[server] = true
		c.mu.Unlock()
		go func() {
			c.serve(server)
			c.untrack(server)
		}()
		return client, nil
	}
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return err
	}
	db := sql.OpenDB(connector)
	defer func() { _ = db.Close() }()
	ctx := context.Background()
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	return f(ctx, conn)
}
