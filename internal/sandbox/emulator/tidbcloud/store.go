package tidbcloud

import (
	"slices"
	"time"
)

// state is what outlives a restart.
type state struct {
	// Next numbers clusters and users in the order of their creation.
	Next     int             `json:"next"`
	Clusters []clusterRecord `json:"clusters"`

	// now is the time of the call that sees the state.
	now time.Time
}

// clusterRecord is a cluster, with what the API does not show.
type clusterRecord struct {
	Seq int `json:"seq"`
	// Cluster lacks what view adds: the state and the endpoint.
	Cluster Cluster `json:"cluster"`
	// Deleted is when the cluster was deleted, or zero.
	Deleted time.Time `json:"deleted,omitzero"`
	// HeldState is the argument of SetState.
	HeldState string `json:"stuck,omitempty"`
	// Users are the cluster's SQL users. The first is root.
	Users    []userRecord   `json:"users"`
	Branches []branchRecord `json:"branches,omitempty"`
	// StorageGiB is the argument of SetStorage.
	StorageGiB int `json:"storageGiB,omitempty"`
}

// userRecord is a SQL user and the hash of its password. The hash is empty until the user has
// a password.
type userRecord struct {
	Seq  int    `json:"seq"`
	User User   `json:"user"`
	Hash string `json:"hash,omitempty"`
}

// Load reads the state from File and replays it to Cloud.SQL. The first use of the Cloud does
// so too, but Load gives the error early.
func (c *Cloud) Load() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.load()
}

// load is Load with c.mu held.
func (c *Cloud) load() error {
	return c.store.Load(c.File, func() *state { return &state{} }, c.replay)
}

// read calls fn with the state, which fn must not change.
func (c *Cloud) read(fn func(s *state) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.load(); err != nil {
		return err
	}
	return fn(c.current(c.store.State()))
}

// write calls fn with a copy of the state. The copy becomes the state if fn and the saving
// succeed.
func (c *Cloud) write(fn func(s *state) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.load(); err != nil {
		return err
	}
	return c.store.Update(func(s *state) error {
		*s = *c.current(s)
		return fn(s)
	})
}

// current returns the state as of now, without the clusters and branches that are gone.
func (c *Cloud) current(s *state) *state {
	now := c.now()
	gone := func(held string, deleted time.Time) bool {
		return held == "" && !deleted.IsZero() && !now.Before(deleted.Add(c.deleteTime()))
	}
	clusters := slices.DeleteFunc(slices.Clone(s.Clusters), func(rec clusterRecord) bool { return gone(rec.HeldState, rec.Deleted) })
	for i := range clusters {
		clusters[i].Branches = slices.DeleteFunc(slices.Clone(clusters[i].Branches), func(b branchRecord) bool { return gone(b.HeldState, b.Deleted) })
	}
	return &state{Next: s.Next, Clusters: clusters, now: now}
}

// nextSeq returns the number of a new cluster or user.
func (s *state) nextSeq() int {
	s.Next++
	return s.Next
}

// timestamp returns the time of the call as the API shows times.
func (s *state) timestamp() time.Time { return s.now.UTC().Truncate(time.Millisecond) }

// cluster finds a cluster by its ID.
func (s *state) cluster(id string) (*clusterRecord, error) {
	if !clusterID.MatchString(id) {
		return nil, badRequest("cluster ID %q is not a number of 19 or 20 digits", id)
	}
	for i := range s.Clusters {
		if s.Clusters[i].Cluster.ClusterID == id {
			return &s.Clusters[i], nil
		}
	}
	return nil, notFound("cluster %s not found", id)
}

// branch finds a branch of any cluster by its ID, or returns nil.
func (s *state) branch(id string) *branchRecord {
	for i := range s.Clusters {
		branches := s.Clusters[i].Branches
		if j := slices.IndexFunc(branches, func(b branchRecord) bool { return b.Branch.BranchID == id }); j >= 0 {
			return &branches[j]
		}
	}
	return nil
}

// user finds a SQL user by its full name.
func (rec *clusterRecord) user(name string) (*userRecord, error) {
	for i := range rec.Users {
		if rec.Users[i].User.UserName == name {
			return &rec.Users[i], nil
		}
	}
	return nil, notFound("user %q not found", name)
}
