package tidbcloud

import (
	"slices"
	"time"
)

// state is what outlives a restart.
type state struct {
	// Next numbers clusters and users in the order in which they were made.
	Next     int      `json:"next"`
	Clusters []record `json:"clusters"`
}

func newState() *state { return &state{} }

// record is a cluster and what the API does not show of it.
type record struct {
	Seq int `json:"seq"`
	// Cluster lacks what view adds: state, endpoints, annotations.
	Cluster Cluster `json:"cluster"`
	// Deleted is when the cluster was deleted, if it was.
	Deleted time.Time `json:"deleted,omitzero"`
	// Stuck is the state that SetState holds the cluster in, if any.
	Stuck string  `json:"stuck,omitempty"`
	Users []login `json:"users"`
}

// login is a SQL user and the hash of its password, which is empty while it has
// none.
type login struct {
	Seq  int    `json:"seq"`
	User User   `json:"user"`
	Hash string `json:"hash,omitempty"`
}

// Load reads the state from File and tells Cloud.SQL what it holds. The first use
// of the Cloud does it too; a caller that does it itself sees its error early.
func (c *Cloud) Load() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.load()
}

// load is Load under the lock.
func (c *Cloud) load() error { return c.store.Load(c.File, newState, c.replay) }

// read calls fn with the state, which it must not change.
func (c *Cloud) read(fn func(s *state, now time.Time) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.load(); err != nil {
		return err
	}
	now := c.now()
	return fn(c.alive(c.store.State(), now), now)
}

// write calls fn with a copy of the state, which becomes the state if fn and
// saving it succeed.
func (c *Cloud) write(fn func(s *state, now time.Time) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.load(); err != nil {
		return err
	}
	now := c.now()
	return c.store.Update(func(s *state) error {
		*s = *c.alive(s, now)
		return fn(s, now)
	})
}

// alive is the state without the clusters that are gone by now.
func (c *Cloud) alive(s *state, now time.Time) *state {
	gone := func(rec record) bool {
		return rec.Stuck == "" && !rec.Deleted.IsZero() && !now.Before(rec.Deleted.Add(c.deleteTime()))
	}
	return &state{Next: s.Next, Clusters: slices.DeleteFunc(slices.Clone(s.Clusters), gone)}
}

// number returns the next number of the state's count.
func (s *state) number() int {
	s.Next++
	return s.Next
}

// cluster finds a cluster by its id.
func (s *state) cluster(id string) (*record, error) {
	if !clusterID.MatchString(id) {
		return nil, badRequest("cluster id %q is not a number of 19 or 20 digits", id)
	}
	for i := range s.Clusters {
		if s.Clusters[i].Cluster.ClusterID == id {
			return &s.Clusters[i], nil
		}
	}
	return nil, notFound("cluster %s is not found", id)
}

// user finds a SQL user by its full name.
func (rec *record) user(name string) *login {
	i := slices.IndexFunc(rec.Users, func(l login) bool { return l.User.UserName == name })
	if i < 0 {
		return nil
	}
	return &rec.Users[i]
}
