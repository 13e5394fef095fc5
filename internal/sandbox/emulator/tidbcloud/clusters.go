package tidbcloud

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"
)

func (c *Cloud) listClusters(r *http.Request, _ []string) (any, error) {
	q := r.URL.Query()
	f, err := parseFilter(q.Get("filter"))
	if err != nil {
		return nil, err
	}
	p, err := parsePage(q, 10)
	if err != nil {
		return nil, err
	}
	type item struct {
		number  int
		cluster Cluster
	}
	var found []item
	err = c.read(func(s *state, now time.Time) error {
		for i := range s.Clusters {
			rec := &s.Clusters[i]
			if cl := c.view(rec, now); f.match(cl) && !c.forbidden(rec) {
				found = append(found, item{rec.Seq, cl})
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	part, next := cut(p, found, func(i item) int { return i.number })
	clusters := []Cluster{}
	for _, i := range part {
		clusters = append(clusters, i.cluster)
	}
	return map[string]any{"clusters": clusters, "nextPageToken": next, "totalSize": len(found)}, nil
}

// newCluster is the body of a POST.
type newCluster struct {
	settings
	Region *struct {
		Name *string `json:"name"`
	} `json:"region"`
	RootPassword         *string           `json:"rootPassword"`
	EncryptionConfig     *EncryptionConfig `json:"encryptionConfig"`
	HighAvailabilityType *string           `json:"highAvailabilityType"`
	AuditLogConfig       *AuditLogConfig   `json:"auditLogConfig"`
}

func (c *Cloud) createCluster(r *http.Request, _ []string) (any, error) {
	var in newCluster
	if err := decode(r, &in); err != nil {
		return nil, err
	}
	cl, err := c.plan(in)
	if err != nil {
		return nil, err
	}
	return c.change(func(s *state, now time.Time) (*record, error) {
		if free(cl) && c.full(s) {
			return nil, badRequest("the organization has reached its quota: the maximum number of free clusters is %d; "+
				"delete one or give the new one a spending limit", c.maxClusters())
		}
		cl.CreateTime = now.UTC().Truncate(time.Millisecond)
		cl.UpdateTime = cl.CreateTime
		root := login{Seq: s.number(), User: User{
			UserName:    cl.UserPrefix + ".root",
			AuthMethod:  authMethod,
			BuiltinRole: roleAdmin,
			CustomRoles: []string{},
		}}
		var password string
		if in.RootPassword != nil {
			password = *in.RootPassword
			root.Hash = nativeHash(password)
		}
		if c.SQL != nil {
			if err := c.SQL.CreateCluster(cl.ClusterID); err != nil {
				return nil, err
			}
		}
		if err := c.putUser(cl.ClusterID, root, password); err != nil {
			return nil, err
		}
		s.Clusters = append(s.Clusters, record{Seq: s.number(), Cluster: cl, Users: []login{root}})
		return &s.Clusters[len(s.Clusters)-1], nil
	})
}

// plan makes a cluster, but for its times, of what a POST asks for.
func (c *Cloud) plan(in newCluster) (Cluster, error) {
	switch {
	case in.DisplayName == nil:
		return Cluster{}, badRequest("displayName is missing")
	case in.Region == nil || in.Region.Name == nil:
		return Cluster{}, badRequest("region.name is missing")
	}
	re, err := findRegion(*in.Region.Name)
	if err != nil {
		return Cluster{}, err
	}
	if in.RootPassword != nil {
		if err := checkPassword("rootPassword", in.RootPassword); err != nil {
			return Cluster{}, err
		}
	}
	id := newClusterID()
	cl := Cluster{
		Name:                  "clusters/" + id,
		ClusterID:             id,
		Region:                re,
		SpendingLimit:         &SpendingLimit{},
		AutomatedBackupPolicy: &BackupPolicy{StartTime: "07:00", RetentionDays: 1},
		Endpoints: Endpoints{Public: PublicEndpoint{AuthorizedNetworks: []Network{{
			StartIPAddress: "0.0.0.0",
			EndIPAddress:   "255.255.255.255",
			DisplayName:    "Allow_all_public_connections",
		}}}},
		EncryptionConfig:     &EncryptionConfig{},
		HighAvailabilityType: "ZONAL",
		Version:              "v7.5.2",
		CreatedBy:            "apikey",
		UserPrefix:           newUserPrefix(),
		Labels:               map[string]string{labelOrganization: c.organization(), labelProject: c.projects()[0]},
		AuditLogConfig:       &AuditLogConfig{},
		ClusterPlan:          "STARTER",
		ServicePlan:          "Starter",
	}
	if in.EncryptionConfig != nil {
		cl.EncryptionConfig = in.EncryptionConfig
	}
	if in.AuditLogConfig != nil {
		cl.AuditLogConfig = in.AuditLogConfig
	}
	if ha := in.HighAvailabilityType; ha != nil {
		if *ha != "ZONAL" && *ha != "REGIONAL" {
			return Cluster{}, badRequest("highAvailabilityType %q is neither ZONAL nor REGIONAL", *ha)
		}
		cl.HighAvailabilityType = *ha
	}
	if in.Labels != nil {
		if id, ok := (*in.Labels)[labelProject]; ok {
			if !slices.Contains(c.projects(), id) {
				return Cluster{}, badRequest("label %q: there is no project %q", labelProject, id)
			}
			cl.Labels[labelProject] = id
		}
	}
	return cl, in.applyAll(&cl)
}

func free(cl Cluster) bool { return cl.SpendingLimit.Monthly == 0 }

// full reports whether the quota of free clusters is used up.
func (c *Cloud) full(s *state) bool {
	n := 0
	for _, rec := range s.Clusters {
		if rec.Deleted.IsZero() && free(rec.Cluster) {
			n++
		}
	}
	return c.maxClusters() >= 0 && n >= c.maxClusters()
}

func (c *Cloud) maxClusters() int { return cmp.Or(c.MaxClusters, 5) }

func (c *Cloud) getCluster(r *http.Request, args []string) (any, error) {
	basic := false
	switch view := r.URL.Query().Get("view"); view {
	case "", "FULL":
	case "BASIC":
		basic = true
	default:
		return nil, badRequest("view %q is neither BASIC nor FULL", view)
	}
	var cl Cluster
	err := c.read(func(s *state, now time.Time) error {
		rec, err := c.visible(s, args[0])
		if err != nil {
			return err
		}
		cl = c.view(rec, now)
		return nil
	})
	if basic {
		cl.SpendingLimit, cl.AutomatedBackupPolicy, cl.EncryptionConfig, cl.AuditLogConfig = nil, nil, nil, nil
	}
	return cl, err
}

func (c *Cloud) updateCluster(r *http.Request, args []string) (any, error) {
	var in struct {
		Cluster    *settings `json:"cluster"`
		UpdateMask *string   `json:"updateMask"`
	}
	if err := decode(r, &in); err != nil {
		return nil, err
	}
	if in.Cluster == nil || in.UpdateMask == nil {
		return nil, badRequest("cluster and updateMask are both required")
	}
	f, err := masked(*in.Cluster, *in.UpdateMask)
	if err != nil {
		return nil, err
	}
	return c.change(func(s *state, now time.Time) (*record, error) {
		rec, err := c.active(s, args[0], now)
		if err != nil {
			return nil, err
		}
		rec.Cluster.UpdateTime = now.UTC().Truncate(time.Millisecond)
		return rec, f.apply(*in.Cluster, &rec.Cluster)
	})
}

// masked finds the one field that a mask names and that the settings must hold,
// and no other.
func masked(s settings, mask string) (field, error) {
	var known []string
	for _, f := range fields {
		known = append(known, f.mask)
	}
	i := slices.Index(known, mask)
	if i < 0 {
		return field{}, badRequest("updateMask %q is not one of %s", mask, strings.Join(known, ", "))
	}
	for j, f := range fields {
		switch held := f.held(s); {
		case held && i != j:
			return field{}, badRequest("updateMask %q does not cover the body's %s", mask, f.mask)
		case !held && i == j:
			return field{}, badRequest("updateMask %q names a field that the body does not hold", mask)
		}
	}
	return fields[i], nil
}

func (c *Cloud) deleteCluster(_ *http.Request, args []string) (any, error) {
	return c.change(func(s *state, now time.Time) (*record, error) {
		rec, err := c.visible(s, args[0])
		if err != nil {
			return nil, err
		}
		if rec.Deleted.IsZero() {
			rec.Deleted = now.UTC()
			rec.Cluster.UpdateTime = rec.Deleted.Truncate(time.Millisecond)
			rec.Stuck = ""
			if c.SQL != nil {
				return rec, c.SQL.DeleteCluster(args[0])
			}
		}
		return rec, nil
	})
}

func (c *Cloud) setRootPassword(r *http.Request, args []string) (any, error) {
	var in struct {
		Password *string `json:"password"`
	}
	if err := decode(r, &in); err != nil {
		return nil, err
	}
	if err := checkPassword("password", in.Password); err != nil {
		return nil, err
	}
	_, err := c.change(func(s *state, now time.Time) (*record, error) {
		rec, err := c.active(s, args[0], now)
		if err != nil {
			return nil, err
		}
		root := &rec.Users[0]
		root.Hash = nativeHash(*in.Password)
		return rec, c.putUser(args[0], *root, *in.Password)
	})
	return struct{}{}, err
}

// change writes to one cluster and returns how the API shows it then.
func (c *Cloud) change(fn func(s *state, now time.Time) (*record, error)) (any, error) {
	var cl Cluster
	err := c.write(func(s *state, now time.Time) error {
		rec, err := fn(s, now)
		if err != nil {
			return err
		}
		cl = c.view(rec, now)
		return nil
	})
	return cl, err
}

// visible finds a cluster that may be seen.
func (c *Cloud) visible(s *state, id string) (*record, error) {
	rec, err := s.cluster(id)
	if err != nil {
		return nil, err
	}
	if c.forbidden(rec) {
		return nil, &problem{status: http.StatusForbidden, message: "the API key does not have permission to access cluster " + id}
	}
	return rec, nil
}

func (c *Cloud) forbidden(rec *record) bool {
	return c.ForbidAfterDelete && !rec.Deleted.IsZero()
}

// active finds a cluster that can be worked on.
func (c *Cloud) active(s *state, id string, now time.Time) (*record, error) {
	rec, err := c.visible(s, id)
	if err != nil {
		return nil, err
	}
	if st := c.stateOf(rec, now); st != stateActive {
		return nil, badRequest("cluster %s is %s, not ACTIVE", id, st)
	}
	return rec, nil
}
