package tidbcloud

import (
	"crypto/sha1" // mysql_native_password is made of it
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"strings"
)

// SQL is what stands behind the clusters' endpoints. The Cloud calls it before it
// answers the request that caused the call, one call at a time, and again for all
// that there is when it loads its state: each method must be fit to be repeated.
// An error makes the request fail with 500 and without effect; the client sees
// its text, so it must not hold a password. The methods must not call the Cloud.
type SQL interface {
	// CreateCluster starts a cluster's server, with no user on it.
	CreateCluster(clusterID string) error
	// DeleteCluster ends it and drops its data.
	DeleteCluster(clusterID string) error
	// PutUser makes or changes a user. Root comes when it first gets a password.
	PutUser(clusterID string, l Login) error
	// DropUser removes a user, named in full.
	DropUser(clusterID, userName string) error
}

// Login is a SQL user with its password.
type Login struct {
	User
	// Password is empty where the Cloud does not know it (any more): the password
	// did not change, or the state was loaded from a file.
	Password string
	// Hash is the password as mysql_native_password keeps it, as in CREATE USER ...
	// IDENTIFIED WITH mysql_native_password AS '*94BDCEBE19083CE2A1F959FD02F964C7AF4CFC29'.
	Hash string
}

// replay tells SQL of all that the state holds.
func (c *Cloud) replay(s *state) error {
	if c.SQL == nil {
		return nil
	}
	for _, rec := range s.Clusters {
		if !rec.Deleted.IsZero() {
			continue
		}
		id := rec.Cluster.ClusterID
		if err := c.SQL.CreateCluster(id); err != nil {
			return fmt.Errorf("restoring the SQL server of cluster %s: %w", id, err)
		}
		for _, l := range rec.Users {
			if err := c.putUser(id, l, ""); err != nil {
				return fmt.Errorf("restoring the SQL user %s: %w", l.User.UserName, err)
			}
		}
	}
	return nil
}

// putUser tells SQL of a user that has a password.
func (c *Cloud) putUser(clusterID string, l login, password string) error {
	if c.SQL == nil || l.Hash == "" {
		return nil
	}
	return c.SQL.PutUser(clusterID, Login{User: l.User, Password: password, Hash: l.Hash})
}

// nativeHash is the password hash of mysql_native_password.
func nativeHash(password string) string {
	once := sha1.Sum([]byte(password))
	twice := sha1.Sum(once[:])
	return "*" + strings.ToUpper(hex.EncodeToString(twice[:]))
}

// same compares in a time that does not tell where two strings differ.
func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
