package tidbcloud_test

import (
	"fmt"
	"strings"
	"testing"

	"portfolio-infra/internal/sandbox/emulator/tidbcloud"
)

func TestCluster_list(t *testing.T) {
	c := serve(t, newCloud())
	if a := c.do("GET", clustersPath, "").want(200); a.raw != `{"clusters":[],"nextPageToken":"","totalSize":0}` {
		t.Errorf("an empty list is %s", a.raw)
	}
	var all, ids []string
	for i := range 12 {
		all = append(all, fmt.Sprintf("cluster-%02d", i))
		ids = append(ids, c.create(all[i], paid))
	}
	for query, want := range map[string]string{
		"":              "10 2",
		"pageSize=0":    "10 2",
		"pageSize=5":    "5 5 2",
		"pageSize=12":   "12",
		"pageSize=1000": "12",
	} {
		sizes, names := c.pages(clustersPath, query, "clusters", "displayName")
		if got := strings.Join(sizes, " "); got != want || strings.Join(names, " ") != strings.Join(all, " ") {
			t.Errorf("%q: pages of %s, want %s: %v", query, got, want, names)
		}
	}

	token := c.do("GET", clustersPath+"?pageSize=5", "").want(200, `"totalSize":12`).str("nextPageToken")
	next := "?pageSize=5&pageToken=" + token

	// A cluster that was deleted meanwhile does not shift the next pages.
	c.do("DELETE", clusterPath(ids[2]), "").want(200)
	c.do("GET", clustersPath+next, "").want(200, "cluster-05")
}

func TestProject_list(t *testing.T) {
	cloud := newCloud()
	cloud.Projects = []string{"771", "772"}
	c := serve(t, cloud)
	c.do("GET", "/v1beta1/projects", "").want(200, `"org_id":"`+tidbcloud.Organization+`"`)
	sizes, ids := c.pages("/v1beta1/projects", "pageSize=1", "projects", "id")
	if len(sizes) != 2 || strings.Join(ids, " ") != "771 772" {
		t.Errorf("projects %v in pages of %v", ids, sizes)
	}
}
