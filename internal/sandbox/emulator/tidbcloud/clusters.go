package tidbcloud

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
)

func (c *Cloud) listClusters(s *state, r *http.Request) (any, error) {
	p, err := parsePage(r, 10)
	if err != nil {
		return nil, err
	}
	var visible []*clusterRecord
	for i := range s.Clusters {
		if rec := &s.Clusters[i]; !c.forbidden(rec) {
			visible = append(visible, rec)
		}
	}
	part, next := cut(p, visible, func(rec *clusterRecord) int { return rec.Seq })
	clusters := []Cluster{}
	for _, rec := range part {
		clusters = append(clusters, c.view(s, rec))
	}
	return map[string]any{"clusters": clusters, "nextPageToken": next, "totalSize": len(visible)}, nil
}

// maxFreeClusters is how many clusters without a spending limit there may be at once.
const maxFreeClusters = 5

type createClusterRequest struct {
	newFields
	Region Region `json:"region"`
}

func (c *Cloud) createCluster(s *state, r *http.Request) (any, error) {
	var in createClusterRequest
	if err := decode(r, &in); err != nil {
		return nil, err
	}
	cl, err := c.newCluster(s, in)
	if err != nil {
		return nil, err
	}
	if isFree(cl) && s.freeClusters() >= maxFreeClusters {
		return nil, badRequest("the organization has reached its quota: the maximum number of free clusters is %d; "+
			"delete one or set a spending limit for the new one", maxFreeClusters)
	}
	if err := s.checkStarters(); err != nil {
		return nil, err
	}
	if err := c.createSQL(cl); err != nil {
		return nil, err
	}
	root := userRecord{Seq: s.nextSeq(), User: User{
		UserName: cl.fullName("root"), AuthMethod: authMethod, BuiltinRole: roleAdmin,
	}}
	s.Clusters = append(s.Clusters, clusterRecord{Seq: s.nextSeq(), Cluster: cl, Users: []userRecord{root}})
	return c.view(s, &s.Clusters[len(s.Clusters)-1]), nil
}

// newCluster returns the cluster that a request asks for.
func (c *Cloud) newCluster(s *state, in createClusterRequest) (Cluster, error) {
	switch {
	case in.DisplayName == nil:
		return Cluster{}, badRequest("displayName is missing")
	case in.Region.Name == "":
		return Cluster{}, badRequest("region.name is missing")
	}
	if !slices.Contains(regions, in.Region) {
		return Cluster{}, badRequest("region %q is not available", in.Region.Name)
	}
	project := cmp.Or(in.Labels[labelProject], c.projects()[0])
	if !slices.Contains(c.projects(), project) {
		return Cluster{}, badRequest("label %q: no project %q", labelProject, project)
	}
	id := newClusterID()
	cl := Cluster{
		Name:      "clusters/" + id,
		ClusterID: id,
		Region:    in.Region,
		Endpoints: Endpoints{Public: PublicEndpoint{AuthorizedNetworks: []Network{{
			StartIPAddress: "0.0.0.0",
			EndIPAddress:   "255.255.255.255",
			DisplayName:    "Allow_all_public_connections",
		}}}},
		Version:     "v7.5.2",
		UserPrefix:  newUserPrefix(c.servicePlan()),
		Labels:      map[string]string{labelOrganization: c.organization(), labelProject: project},
		CreateTime:  s.timestamp(),
		UpdateTime:  s.timestamp(),
		ClusterPlan: strings.ToUpper(c.servicePlan()),
		ServicePlan: c.servicePlan(),
	}
	return cl, in.apply(&cl)
}

func isFree(cl Cluster) bool { return cl.SpendingLimit.Monthly == 0 }

// freeClusters counts the clusters without a spending limit.
func (s *state) freeClusters() (n int) {
	for _, rec := range s.Clusters {
		if rec.Deleted.IsZero() && isFree(rec.Cluster) {
			n++
		}
	}
	return n
}

func (c *Cloud) getCluster(s *state, r *http.Request) (any, error) {
	rec, err := c.visibleCluster(s, r)
	if err != nil {
		return nil, err
	}
	return c.view(s, rec), nil
}

func (c *Cloud) updateCluster(s *state, r *http.Request) (any, error) {
	var in updateClusterRequest
	if err := decode(r, &in); err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	rec, err := c.activeCluster(s, r)
	if err != nil {
		return nil, err
	}
	if err := in.Cluster.apply(&rec.Cluster); err != nil {
		return nil, err
	}
	rec.Cluster.UpdateTime = s.timestamp()
	if in.Cluster.Endpoints.Public.Disabled != nil {
		if err := c.sql().SetEndpoint(rec.Cluster.ClusterID, rec.Cluster.Endpoints.Public.Disabled); err != nil {
			return nil, err
		}
	}
	return c.view(s, rec), nil
}

// deleteCluster deletes the branches, too. That this is what happens to them is assumed.
func (c *Cloud) deleteCluster(s *state, r *http.Request) (any, error) {
	rec, err := c.visibleCluster(s, r)
	if err != nil {
		return nil, err
	}
	if rec.Deleted.IsZero() {
		rec.Deleted, rec.Cluster.UpdateTime, rec.HeldState = s.now.UTC(), s.timestamp(), ""
		ids := []string{rec.Cluster.ClusterID}
		for _, b := range rec.Branches {
			ids = append(ids, b.Branch.BranchID)
		}
		for _, id := range ids {
			if err := c.sql().DeleteCluster(id); err != nil {
				return nil, err
			}
		}
		rec.Branches = nil
	}
	return c.view(s, rec), nil
}

// visibleCluster finds the cluster that a request's path names.
func (c *Cloud) visibleCluster(s *state, r *http.Request) (*clusterRecord, error) {
	rec, err := s.cluster(r.PathValue("cluster"))
	if err != nil {
		return nil, err
	}
	if c.forbidden(rec) {
		return nil, &apiError{status: http.StatusForbidden, message: "the API key may not access cluster " + rec.Cluster.ClusterID}
	}
	return rec, nil
}

func (c *Cloud) forbidden(rec *clusterRecord) bool {
	return c.ForbidAfterDelete && !rec.Deleted.IsZero()
}

// activeCluster finds the cluster that a request's path names. It must be ACTIVE.
func (c *Cloud) activeCluster(s *state, r *http.Request) (*clusterRecord, error) {
	rec, err := c.visibleCluster(s, r)
	if err != nil {
		return nil, err
	}
	if st := c.stateOf(s, rec); st != stateActive {
		return nil, badRequest("cluster %s is %s, not ACTIVE", rec.Cluster.ClusterID, st)
	}
	return rec, nil
}
