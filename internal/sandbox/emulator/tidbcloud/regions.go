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

// providers and servicePlans are what the API knows, not what is on offer.
var (
	providers    = []string{"aws", "gcp", "azure", "alicloud"}
	servicePlans = []string{"Starter", "Essential", "Premium", "BYOC"}
)

// regions is a plausible selection. The API's description knows region ids both
// with and without the provider; here they have it.
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

// code is the provider's own name of the region.
func (r Region) code() string { return strings.TrimPrefix(r.RegionID, r.CloudProvider+"-") }

// findRegion finds a region by its name.
func findRegion(name string) (Region, error) {
	i := slices.IndexFunc(regions, func(r Region) bool { return r.Name == name })
	if i < 0 {
		return Region{}, badRequest("region %q is not available", name)
	}
	return regions[i], nil
}

func (c *Cloud) listRegions(r *http.Request, _ []string) (any, error) {
	q := r.URL.Query()
	provider, plan := q.Get("cloudProvider"), q.Get("servicePlan")
	if provider != "" && !slices.Contains(providers, provider) {
		return nil, badRequest("cloudProvider %q is unknown", provider)
	}
	if plan != "" && !slices.Contains(servicePlans, plan) {
		return nil, badRequest("servicePlan %q is unknown", plan)
	}
	found := []Region{}
	for _, re := range regions {
		if (provider == "" || re.CloudProvider == provider) && (plan == "" || slices.Contains(re.ServicePlans, plan)) {
			found = append(found, re)
		}
	}
	return map[string]any{"regions": found}, nil
}

func (c *Cloud) listCloudProviders(*http.Request, []string) (any, error) {
	var found []string
	for _, re := range regions {
		if !slices.Contains(found, re.CloudProvider) {
			found = append(found, re.CloudProvider)
		}
	}
	return map[string]any{"cloudProviders": found}, nil
}
