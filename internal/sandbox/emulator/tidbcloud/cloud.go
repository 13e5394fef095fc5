package tidbcloud

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"sync"
	"time"

	"portfolio-infra/internal/sandbox/emulator"
)

// The ids of the one organization and of its project, unless Cloud.Projects says
// otherwise. They are made up and have the length of real ones.
const (
	Organization   = "1372813089200000001"
	DefaultProject = "1372813089400000002"
)

// Cloud is an emulated TiDB Cloud organization with one API key. A struct literal
// is usable; the fields must not change once it serves.
type Cloud struct {
	// PublicKey and PrivateKey are the accepted API key. While either is empty no
	// request is accepted.
	PublicKey, PrivateKey string
	// File keeps the state; empty means in memory only.
	File string
	// Now defaults to time.Now.
	Now func() time.Time

	// CreateTime is how long a new cluster is CREATING: 0 means 3 seconds, a
	// negative time that it is ACTIVE in the answer to its POST.
	CreateTime time.Duration
	// DeleteTime is how long a deleted cluster is DELETING: 0 means a second, a
	// negative time that it is gone right after the answer to its DELETE.
	DeleteTime time.Duration
	// ForbidAfterDelete answers 403 for a cluster that is DELETING and leaves it
	// out of lists.
	ForbidAfterDelete bool
	// MaxClusters is how many clusters without a spending limit there may be at
	// once: 0 means 5, a negative number any.
	MaxClusters int
	// RateLimit is how many requests a minute the key has: 0 means 100, a negative
	// number any, without the headers that tell of it.
	RateLimit int
	// NonceLifetime is how long a digest nonce is good: 0 means 5 minutes.
	NonceLifetime time.Duration
	// OrganizationID is the id of the organization. The default is Organization.
	OrganizationID string
	// Projects are the ids of the projects there are; a cluster goes to the first
	// one unless its labels say otherwise. The default is DefaultProject alone.
	Projects []string
	// Neighbor, where set, is another organization behind the same address: who
	// comes with its key sees its clusters and none of these.
	Neighbor *Cloud

	// Endpoint tells where a cluster's public SQL endpoint lies. It is asked
	// whenever a cluster that is not CREATING is shown; an empty host shows as
	// such. It must not call the Cloud. By default the endpoint looks like a real
	// one and leads nowhere.
	Endpoint func(clusterID string) (host string, port int)
	// SQL, where set, learns what the SQL servers have to know.
	SQL SQL

	// mu guards what is below.
	mu     sync.Mutex
	store  emulator.Store[state]
	nonces map[string]*nonce
	window window
}

// ServeHTTP answers one request: authentication, rate limit, route, handler.
func (c *Cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if c.Neighbor != nil && bears(r, c.Neighbor.PublicKey) {
		c.Neighbor.ServeHTTP(w, r)
		return
	}
	trace := newTraceID()
	w.Header().Set("X-Debug-Trace-Id", trace)
	if err := c.authenticate(w.Header(), r); err != nil {
		err.reply(w, false, trace)
		return
	}
	if err := c.spend(w.Header()); err != nil {
		err.reply(w, false, trace)
		return
	}
	ro, args, err := match(w.Header(), r)
	if err != nil {
		asProblem(err).reply(w, ro.iam, trace)
		return
	}
	out, err := ro.handle(c, r, args)
	if err != nil {
		asProblem(err).reply(w, ro.iam, trace)
		return
	}
	emulator.Reply(w, http.StatusOK, out)
}

// Clusters returns the clusters as the API shows them, the oldest first; they must
// not be changed. There are none where the state cannot be read, see Load.
func (c *Cloud) Clusters() []Cluster {
	var out []Cluster
	_ = c.read(func(s *state, now time.Time) error {
		for i := range s.Clusters {
			out = append(out, c.view(&s.Clusters[i], now))
		}
		return nil
	})
	return out
}

// Users returns the SQL users of a cluster, the oldest first: root, then those
// that were made.
func (c *Cloud) Users(clusterID string) []User {
	var out []User
	_ = c.read(func(s *state, _ time.Time) error {
		rec, err := s.cluster(clusterID)
		if err != nil {
			return err
		}
		for _, l := range rec.Users {
			out = append(out, l.User)
		}
		return nil
	})
	return out
}

// CheckPassword reports whether the SQL user, named in full, can log in with the
// password.
func (c *Cloud) CheckPassword(clusterID, user, password string) bool {
	ok := false
	_ = c.read(func(s *state, _ time.Time) error {
		rec, err := s.cluster(clusterID)
		if err != nil {
			return err
		}
		if l := rec.user(user); l != nil {
			ok = l.Hash != "" && same(l.Hash, nativeHash(password))
		}
		return nil
	})
	return ok
}

// SetState holds a cluster in a state, whatever the clock says, until it is
// deleted or set free again by the state "".
func (c *Cloud) SetState(clusterID, st string) error {
	return c.write(func(s *state, _ time.Time) error {
		rec, err := s.cluster(clusterID)
		if err != nil {
			return err
		}
		rec.Stuck = st
		return nil
	})
}

func (c *Cloud) now() time.Time {
	if c.Now != nil {
		return c.Now()
	}
	return time.Now()
}

func (c *Cloud) organization() string { return cmp.Or(c.OrganizationID, Organization) }

func (c *Cloud) projects() []string {
	if len(c.Projects) == 0 {
		return []string{DefaultProject}
	}
	return c.Projects
}

func (c *Cloud) createTime() time.Duration { return cmp.Or(c.CreateTime, 3*time.Second) }
func (c *Cloud) deleteTime() time.Duration { return cmp.Or(c.DeleteTime, time.Second) }

func newTraceID() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}
