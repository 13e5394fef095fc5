package tidbcloud

import (
	"net/http"
	"slices"
	"strings"
)

// Region is a region as the API shows it.
type Region struct {
	Name          string   `json:"name"`
	RegionID      string   `json:"regionId"`
	CloudProvider string   `json:"cloudProvider"`
	DisplayName   string   `json:"displayName"`
	Provider      string   `json:"provider"`
	ServicePlans  []string `json:"servicePlans"`
}

// regions is a plausible selection. The API's description has region IDs with and without the
// provider; here they have it.
var regions = []Region{
	newRegion("aws", "us-east-1", "N. Virginia"),
	newRegion("aws", "us-west-2", "Oregon"),
	newRegion("aws", "eu-central-1", "Frankfurt"),
	newRegion("aws", "eu-west-1", "Ireland"),
	newRegion("aws", "ap-northeast-1", "Tokyo"),
	newRegion("aws", "ap-southeast-1", "Singapore"),
	newRegion("aws", "ap-south-1", "Mumbai"),
	newRegion("aws", "sa-east-1", "Sao Paulo"),
	newRegion("alicloud", "ap-southeast-1", "Singapore"),
	newRegion("alicloud", "ap-southeast-5", "Jakarta"),
	newRegion("alicloud", "ap-northeast-1", "Tokyo"),
	newRegion("alicloud", "cn-hongkong", "Hong Kong"),
}

func newRegion(provider, code, city string) Region {
	return Region{
		Name:          "regions/" + provider + "-" + code,
		RegionID:      provider + "-" + code,
		CloudProvider: provider,
		DisplayName:   city + " (" + code + ")",
		Provider:      provider,
		ServicePlans:  []string{"Starter", "Essential"},
	}
}

// gateway returns a host that looks like the region's SQL endpoint.
func (r Region) gateway() string {
	code := strings.TrimPrefix(r.RegionID, r.CloudProvider+"-")
	return "gateway01." + code + ".prod." + r.CloudProvider + ".tidbcloud.com"
}

func findRegion(name string) (Region, error) {
	i := slices.IndexFunc(regions, func(r Region) bool { return r.Name == name })
	if i < 0 {
		return Region{}, badRequest("region %q is not available", name)
	}
	return regions[i], nil
}

func (c *Cloud) listRegions(*state, *http.Request) (any, error) {
	return map[string]any{"regions": regions}, nil
}
