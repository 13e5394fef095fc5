package faketidb

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"portfolio-infra/internal/sandbox/wire"
)

// state is what outlives a restart. It is changed on a copy, which then takes its
// place: whoever read it before may go on reading without a lock.
type state struct {
	// Next numbers clusters and users in the order in which they were made.
	Next     int      `json:"next"`
	Clusters []record `json:"clusters"`
}

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
func (c *Cloud) load() error {
	if c.loaded {
		return nil
	}
	var s state
	if c.File != "" {
		if err := wire.Load(c.File, &s); err != nil {
			return fmt.Errorf("loading the state: %w", err)
		}
	}
	if err := c.replay(&s); err != nil {
		return fmt.Errorf("restoring the SQL servers: %w", err)
	}
	c.state, c.loaded = s, true
	return nil
}

// read calls fn with the state, which it must not change.
func (c *Cloud) read(fn func(s *state, now time.Time) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.load(); err != nil {
		return err
	}
	now := c.now()
	return fn(c.alive(now), now)
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
	s := c.alive(now).clone()
	if err := fn(s, now); err != nil {
		return err
	}
	if c.File != "" {
		if err := wire.Save(c.File, s); err != nil {
			return fmt.Errorf("saving the state: %w", err)
		}
	}
	c.state = *s
	return nil
}

// alive returns the state without the clusters that are gone by now.
func (c *Cloud) alive(now time.Time) *state {
	gone := func(rec record) bool {
		return rec.Stuck == "" && !rec.Deleted.IsZero() && !now.Before(rec.Deleted.Add(c.deleteTime()))
	}
	return &state{Next: c.state.Next, Clusters: slices.DeleteFunc(slices.Clone(c.state.Clusters), gone)}
}

// clone copies the state by way of the JSON that it is kept as.
func (s *state) clone() *state {
	var out state
	b, err := json.Marshal(s)
	if err == nil {
		err = json.Unmarshal(b, &out)
	}
	if err != nil {
		panic(fmt.Sprintf("the state is always JSON: %v", err))
	}
	return &out
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
