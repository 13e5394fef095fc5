package tidbcloud

import (
	"crypto/sha1" // mysql_native_password is made of it
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
)

// SQL manages the SQL servers behind the clusters' endpoints. The Cloud makes one call at a
// time, before it answers the request that caused it. When the Cloud loads its state, it
// repeats the calls for all that exists, so each method must be idempotent. An error makes the
// request fail with 500 and without effect. The client sees the error's text, so it must not
// contain a password. The methods must not call the Cloud.
type SQL interface {
	// CreateCluster starts a cluster's server, with no user on it.
	CreateCluster(clusterID string) error
	// CreateBranch starts a branch's server, with the schema and the rows that the parent had at
	// a moment and no user on it. The server of a branch that exists, with another moment, gets
	// the new data and keeps its users, as PutUser left them. All other methods take a branch's ID, too.
	CreateBranch(parentID, branchID string, at time.Time) error
	// DeleteCluster stops a server and drops its data.
	DeleteCluster(clusterID string) error
	// SetEndpoint stops serving a cluster's clients, or serves them again. A new server serves
	// its clients.
	SetEndpoint(clusterID string, disabled bool) error
	// PutUser creates or changes a user. For root it is called once root has a password.
	PutUser(clusterID string, l Login) error
	// DropUser removes the user with that full name.
	DropUser(clusterID, userName string) error
}

// Login is a SQL user with its password.
type Login struct {
	User
	// Password is empty if it did not change, or if it is unknown after a restart.
	Password string
	// Hash is the password as mysql_native_password keeps it, as in CREATE USER ...
	// IDENTIFIED WITH mysql_native_password AS '*94BDCEBE19083CE2A1F959FD02F964C7AF4CFC29'.
	Hash string
}

// noSQL takes the place of a nil Cloud.SQL.
type noSQL struct{}

func (noSQL) CreateCluster(string) error     { return nil }
func (noSQL) DeleteCluster(string) error     { return nil }
func (noSQL) SetEndpoint(string, bool) error { return nil }
func (noSQL) PutUser(string, Login) error    { return nil }
func (noSQL) DropUser(string, string) error  { return nil }

func (noSQL) CreateBranch(string, string, time.Time) error { return nil }

func (c *Cloud) sql() SQL {
	if c.SQL == nil {
		return noSQL{}
	}
	return c.SQL
}

// replay creates the SQL servers and users that the state holds.
func (c *Cloud) replay(s *state) error {
	for _, rec := range s.Clusters {
		if !rec.Deleted.IsZero() {
			continue
		}
		id := rec.Cluster.ClusterID
		if err := c.createSQL(rec.Cluster); err != nil {
			return fmt.Errorf("restoring the SQL server of cluster %s: %w", id, err)
		}
		for _, u := range rec.Users {
			if err := c.putUser(id, u, ""); err != nil {
				return fmt.Errorf("restoring SQL user %s: %w", u.User.UserName, err)
			}
		}
		for _, b := range rec.Branches {
			if !b.Deleted.IsZero() {
				continue
			}
			err := c.sql().CreateBranch(id, b.Branch.BranchID, b.copied())
			if err == nil {
				err = c.putUser(b.Branch.BranchID, b.Root, "")
			}
			if err == nil {
				err = c.putInherited(&b)
			}
			if err != nil {
				return fmt.Errorf("restoring branch %s: %w", b.Branch.BranchID, err)
			}
		}
	}
	return nil
}

// createSQL starts a cluster's SQL server, and serves clients unless the public endpoint is
// disabled.
func (c *Cloud) createSQL(cl Cluster) error {
	err := c.sql().CreateCluster(cl.ClusterID)
	if err == nil && cl.Endpoints.Public.Disabled {
		err = c.sql().SetEndpoint(cl.ClusterID, true)
	}
	return err
}

// setPassword gives a user of a cluster or branch a new password.
func (c *Cloud) setPassword(id string, u *userRecord, password string) error {
	u.Hash = nativeHash(password)
	return c.putUser(id, *u, password)
}

// putUser creates or changes a user that has a password on the SQL server.
func (c *Cloud) putUser(clusterID string, u userRecord, password string) error {
	if u.Hash == "" {
		return nil
	}
	return c.sql().PutUser(clusterID, Login{User: u.User, Password: password, Hash: u.Hash})
}

// nativeHash is the password hash of mysql_native_password.
func nativeHash(password string) string {
	once := sha1.Sum([]byte(password))
	twice := sha1.Sum(once[:])
	return "*" + strings.ToUpper(hex.EncodeToString(twice[:]))
}

// equal compares in constant time.
func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
