package tidbcloud

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
)

// listClusters takes the one filter that ticloud sends, projectId=ID
// (https://github.com/tidbcloud/tidbcloud-cli, internal/service/cloud/logic.go).
func (c *Cloud) listClusters(s *state, r *http.Request) (any, error) {
	p, err := parsePage(r, 10)
	if err != nil {
		return nil, err
	}
	filter := r.URL.Query().Get("filter")
	project, ok := strings.CutPrefix(filter, "projectId=")
	if filter != "" && (!ok || strings.ContainsFunc(project, func(r rune) bool { return r < '0' || r > '9' })) {
		return nil, badRequest("filter %q is not projectId=ID, the only one that is emulated", filter)
	}
	var matching []*clusterRecord
	for i := range s.Clusters {
		rec := &s.Clusters[i]
		if !c.forbidden(rec) && (filter == "" || rec.Cluster.Labels[labelProject] == project) {
			matching = append(matching, rec)
		}
	}
	part, next := cut(p, matching, func(rec *clusterRecord) int { return rec.Seq })
	clusters := []Cluster{}
	for _, rec := range part {
		clusters = append(clusters, c.view(s, rec))
	}
	return map[string]any{"clusters": clusters, "nextPageToken": next, "totalSize": len(matching)}, nil
}

// maxFreeClusters is how many clusters without a spending limit there may be at once.
const maxFreeClusters = 5

type createClusterRequest struct {
	clusterFields
	Region struct {
		Name string `json:"name"`
	} `json:"region"`
	EncryptionConfig *EncryptionConfig `json:"encryptionConfig"`
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
	if err := c.createSQL(cl); err != nil {
		return nil, err
	}
	root := userRecord{Seq: s.nextSeq(), User: User{
		UserName: cl.fullName("root"), AuthMethod: authMethod, BuiltinRole: roleAdmin, CustomRoles: []string{},
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
	region, err := findRegion(in.Region.Name)
	if err != nil {
		return Cluster{}, err
	}
	project := cmp.Or(in.Labels[labelProject], c.projects()[0])
	if !slices.Contains(c.projects(), project) {
		return Cluster{}, badRequest("label %q: no project %q", labelProject, project)
	}
	id := newClusterID()
	cl := Cluster{
		Name:          "clusters/" + id,
		ClusterID:     id,
		Region:        region,
		SpendingLimit: &SpendingLimit{},
		Endpoints: Endpoints{Public: PublicEndpoint{AuthorizedNetworks: []Network{{
			StartIPAddress: "0.0.0.0",
			EndIPAddress:   "255.255.255.255",
			DisplayName:    "Allow_all_public_connections",
		}}}},
		EncryptionConfig: cmp.Or(in.EncryptionConfig, &EncryptionConfig{}),
		Version:          "v7.5.2",
		CreatedBy:        "apikey",
		UserPrefix:       newUserPrefix(c.servicePlan()),
		Labels:           map[string]string{labelOrganization: c.organization(), labelProject: project},
		CreateTime:       s.timestamp(),
		UpdateTime:       s.timestamp(),
		ClusterPlan:      strings.ToUpper(c.servicePlan()),
		ServicePlan:      c.servicePlan(),
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
	cl := c.view(s, rec)
	switch view := r.URL.Query().Get("view"); view {
	case "", "FULL":
	case "BASIC":
		cl.SpendingLimit, cl.EncryptionConfig = nil, nil
	default:
		return nil, badRequest("view %q is neither BASIC nor FULL", view)
	}
	return cl, nil
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

func (c *Cloud) deleteCluster(s *state, r *http.Request) (any, error) {
	rec, err := c.visibleCluster(s, r)
	if err != nil {
		return nil, err
	}
	if rec.Deleted.IsZero() {
		rec.Deleted, rec.Cluster.UpdateTime, rec.HeldState = s.now.UTC(), s.timestamp(), ""
		if err := c.sql().DeleteCluster(rec.Cluster.ClusterID); err != nil {
			return nil, err
		}
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
