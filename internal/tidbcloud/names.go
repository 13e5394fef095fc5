package tidbcloud

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

var (
	// The pattern is that of the API's description.
	// https://github.com/tidbcloud/tidbcloud-cli/blob/main/pkg/tidbcloud/v1beta1/serverless/cluster.swagger.json
	clusterPattern = regexp.MustCompile(`^[A-Za-z0-9][-A-Za-z0-9]{2,62}[A-Za-z0-9]$`)
	regionPattern  = regexp.MustCompile(`^regions/(aws|alicloud|azure|gcp)-[a-z0-9]+(-[a-z0-9]+)*$`)
	// Prefix, dot and name together have at most 32 characters, and a prefix 15.
	userPattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,15}$`)
)

// CheckClusterName returns the reason why a cluster may not have the name.
func CheckClusterName(name string) error {
	if !clusterPattern.MatchString(name) {
		return fmt.Errorf("%q must have 4 to 64 letters, digits and hyphens, with a letter or digit first and last", name)
	}
	return nil
}

// CheckRegion returns the reason why no region has the name, with the name that was
// probably meant.
func CheckRegion(name string) error {
	if regionPattern.MatchString(name) {
		return nil
	}
	err := fmt.Errorf("%q must be a region's name, like regions/aws-ap-northeast-1", name)
	bare := strings.ToLower(strings.TrimPrefix(strings.Trim(name, "/ "), "regions/"))
	for _, guess := range []string{"regions/" + bare, "regions/aws-" + bare} {
		if regionPattern.MatchString(guess) {
			return fmt.Errorf("%w; did you mean %s?", err, guess)
		}
	}
	return err
}

// CheckUserName returns the reason why no application's SQL user may have the name,
// given without the cluster's prefix.
func CheckUserName(name string) error {
	switch {
	case !userPattern.MatchString(name):
		return fmt.Errorf("%q must be a letter and up to 15 letters, digits, underscores and hyphens; the cluster's prefix comes by itself", name)
	case name == "root":
		return errors.New("root exists on every cluster, and no application should log in as it; choose another name")
	}
	return nil
}
