package tidbcloud_test

import (
	"net/http"
	"testing"

	"github.com/icholy/digest"

	"portfolio-infra/internal/sandbox/emulator/tidbcloud"
)

func TestCloud_Neighbor(t *testing.T) {
	cloud := newCloud()
	cloud.Neighbor = newCloud()
	cloud.Neighbor.PublicKey, cloud.Neighbor.PrivateKey = "NEIGHBOR", "another-private-key"
	cloud.Neighbor.OrganizationID, cloud.Neighbor.Projects = "77", []string{"771", "772"}
	ours := serve(t, cloud)
	theirs := &client{t: t, url: ours.url, http: &http.Client{Transport: twice{&digest.Transport{
		Username: "NEIGHBOR", Password: "another-private-key"}}}}
	id := ours.create("ours", "")
	theirID := theirs.create("theirs", "")
	theirs.do("GET", clusterPath(theirID), "").want(200, `"tidb.cloud/organization":"77"`)
	theirs.do("GET", clusterPath(id), "").want(404)
	theirs.do("GET", clusterPath(id)+"/sqlUsers", "").want(404)
	ours.do("GET", clusterPath(theirID), "").want(404)
	ours.do("GET", "/v1beta1/projects", "").want(200, `"org_id":"`+tidbcloud.Organization+`"`, `"id":"`+tidbcloud.DefaultProject+`"`, `"cluster_count":1`)
	first := theirs.do("GET", "/v1beta1/projects?pageSize=1", "").want(200, `"id":"771"`, `"org_id":"77"`)
	theirs.do("GET", "/v1beta1/projects?pageSize=1&pageToken="+first.str("nextPageToken"), "").want(200, `"id":"772"`, `"nextPageToken":""`)
}

// twice sends a request again whose nonce was the other organization's.
type twice struct{ *digest.Transport }

func (d twice) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := d.Transport.RoundTrip(r)
	if err == nil && res.StatusCode == http.StatusUnauthorized {
		_ = res.Body.Close()
		return d.Transport.RoundTrip(r)
	}
	return res, err
}
