package tidbcloud

import (
	"cmp"
	"net/http"
	"sync"
	"time"

	"portfolio-infra/internal/sandbox/emulator"
)

// The default IDs of the organization and of its project. They are made up, and as long as
// real ones.
const (
	Organization   = "1372813089200000001"
	DefaultProject = "1372813089400000002"
)

// Cloud is an emulated TiDB Cloud organization with one API key. A struct literal
// is usable; the fields must not change once it serves.
type Cloud struct {
	// PublicKey and PrivateKey are the accepted API key. While either is empty,
	// every request is refused.
	PublicKey, PrivateKey string
	// File keeps the state; empty means in memory only.
	File string
	// Now defaults to time.Now.
	Now func() time.Time

	// CreateTime is how long a new cluster is CREATING: 0 means 3 seconds. With a negative
	// time, the answer to the POST shows it ACTIVE.
	CreateTime time.Duration
	// DeleteTime is how long a deleted cluster is DELETING: 0 means a second. With a negative
	// time, it is gone right after the answer to the DELETE.
	DeleteTime time.Duration
	// ForbidAfterDelete makes the Cloud answer 403 for a cluster that is DELETING, and leave
	// it out of lists.
	ForbidAfterDelete bool
	// RateLimit is how many requests a minute the key has: 0 means 100. A negative number
	// means no limit and no headers about it.
	RateLimit int
	// NonceLifetime is how long a digest nonce is valid: 0 means 5 minutes.
	NonceLifetime time.Duration
	// ServicePlan is the plan of new clusters: "Starter", the default, or "Essential". A
	// request cannot choose one: the field is read-only in the API's description. Essential
	// clusters have no user prefix, like those created since 2026-06-30 (assumed).
	ServicePlan string
	// MaxBranches is how many branches the organization may have: 0 means 5.
	MaxBranches int
	// NoAnnotations makes the Cloud keep no annotations of branches.
	NoAnnotations bool
	// InheritUsers gives a new or reset branch its parent's SQL users but root, with their
	// passwords, under the branch's prefix. Whether TiDB Cloud does so is not documented.
	InheritUsers bool
	// OrganizationID defaults to Organization.
	OrganizationID string
	// Projects are the IDs of the organization's projects. A cluster belongs to the first one
	// unless its labels name another. The default is only DefaultProject.
	Projects []string

	// Endpoint returns the public SQL endpoint of a cluster or branch. It is called whenever one
	// that is not CREATING is shown. It must not call the Cloud. The default endpoint looks like a
	// real one and leads nowhere.
	Endpoint func(id string) (host string, port int)
	// SQL, if not nil, creates the clusters' SQL servers and the users on them.
	SQL SQL

	mux     *http.ServeMux
	muxOnce sync.Once

	// mu guards what is below.
	mu      sync.Mutex
	store   emulator.Store[state]
	nonces  map[string]*nonce
	limiter emulator.Limiter
}

// ServeHTTP answers one request.
func (c *Cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set(traceHeader, newTraceID())
	err := c.authenticate(w.Header(), r)
	if err == nil {
		err = c.countRequest(w.Header())
	}
	if err != nil {
		replyStatus(w, err)
		return
	}
	c.muxOnce.Do(func() { c.mux = c.routes() })
	c.mux.ServeHTTP(w, r)
}

// Clusters returns the clusters as the API shows them, the oldest first. The caller must not
// change them. If the state cannot be read, there are none; see [Cloud.Load].
func (c *Cloud) Clusters() []Cluster {
	var clusters []Cluster
	_ = c.read(func(s *state) error {
		for i := range s.Clusters {
			clusters = append(clusters, c.view(s, &s.Clusters[i]))
		}
		return nil
	})
	return clusters
}

// Users returns the SQL users of a cluster, the oldest first. The oldest is root.
func (c *Cloud) Users(clusterID string) []User {
	var users []User
	_ = c.read(func(s *state) error {
		rec, err := s.cluster(clusterID)
		if err == nil {
			users = usersOf(rec.Users)
		}
		return err
	})
	return users
}

// Branches returns the branches of a cluster as a GET shows them, the oldest first.
func (c *Cloud) Branches(clusterID string) []Branch {
	var branches []Branch
	_ = c.read(func(s *state) error {
		rec, err := s.cluster(clusterID)
		if err != nil {
			return err
		}
		for i := range rec.Branches {
			branches = append(branches, c.viewBranch(s, rec, &rec.Branches[i]))
		}
		return nil
	})
	return branches
}

// CheckPassword reports whether the SQL user with that full name can log in with the password,
// on a cluster or a branch.
func (c *Cloud) CheckPassword(id, user, password string) bool {
	ok := false
	_ = c.read(func(s *state) error {
		if b := s.branch(id); b != nil {
			ok = b.Root.User.UserName == user && equal(b.Root.Hash, nativeHash(password))
			return nil
		}
		rec, err := s.cluster(id)
		if err != nil {
			return err
		}
		u, err := rec.user(user)
		if err == nil {
			ok = equal(u.Hash, nativeHash(password))
		}
		return err
	})
	return ok
}

// SetState holds a cluster or a branch in a state, whatever the time. The API need not know the
// state. The hold ends when the thing is deleted, or with the state "".
func (c *Cloud) SetState(id, held string) error {
	return c.write(func(s *state) error {
		if b := s.branch(id); b != nil {
			b.HeldState = held
			return nil
		}
		rec, err := s.cluster(id)
		if err == nil {
			rec.HeldState = held
		}
		return err
	})
}

// SetStorage tells the Cloud how much a cluster stores.
func (c *Cloud) SetStorage(clusterID string, gib int) error {
	return c.write(func(s *state) error {
		rec, err := s.cluster(clusterID)
		if err == nil {
			rec.StorageGiB = gib
		}
		return err
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

func (c *Cloud) servicePlan() string       { return cmp.Or(c.ServicePlan, "Starter") }
func (c *Cloud) createTime() time.Duration { return cmp.Or(c.CreateTime, 3*time.Second) }
func (c *Cloud) deleteTime() time.Duration { return cmp.Or(c.DeleteTime, time.Second) }
