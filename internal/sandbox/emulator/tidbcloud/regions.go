package tidbcloud

import (
	"net/http"
	"strings"
)

// Region is a region as the API shows it. The name begins with regions/.
type Region struct {
	Name string `json:"name"`
}

// regions is a plausible selection.
var regions = []Region{
	{"regions/aws-us-east-1"}, {"regions/aws-us-west-2"}, {"regions/aws-eu-central-1"}, {"regions/aws-eu-west-1"},
	{"regions/aws-ap-northeast-1"}, {"regions/aws-ap-southeast-1"}, {"regions/aws-ap-south-1"}, {"regions/aws-sa-east-1"},
	{"regions/alicloud-ap-southeast-1"}, {"regions/alicloud-ap-southeast-5"}, {"regions/alicloud-ap-northeast-1"}, {"regions/alicloud-cn-hongkong"},
}

// gateway returns a host that looks like the region's SQL endpoint.
func (r Region) gateway() string {
	provider, code, _ := strings.Cut(strings.TrimPrefix(r.Name, "regions/"), "-")
	return "gateway01." + code + ".prod." + provider + ".tidbcloud.com"
}

func (c *Cloud) listRegions(*state, *http.Request) (any, error) {
	return map[string]any{"regions": regions}, nil
}
