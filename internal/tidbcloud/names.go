package tidbcloud

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

var (
	// The pattern is from the API's description.
	// https://github.com/tidbcloud/tidbcloud-cli/blob/main/pkg/tidbcloud/v1beta1/serverless/cluster.swagger.json
	clusterPattern = regexp.MustCompile(`^[A-Za-z0-9][-A-Za-z0-9]{2,62}[A-Za-z0-9]$`)
	branchPattern  = regexp.MustCompile(`^[A-Za-z0-9][-A-Za-z0-9_.]{0,63}$`)
	regionPattern  = regexp.MustCompile(`^regions/(aws|alicloud|azure|gcp)-[a-z0-9]+(-[a-z0-9]+)*$`)
	// Prefix, dot and name together have at most 32 characters, and a prefix 15.
	userPattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,15}$`)
)

// CheckClusterName returns an error if no cluster may have the name.
func CheckClusterName(name string) error {
	if !clusterPattern.MatchString(name) {
		return fmt.Errorf("%q must have 4 to 64 letters, digits and hyphens, with a letter or digit first and last", name)
	}
	return nil
}

// CheckRegion returns an error if no region can have the name. It suggests the name that was
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

// CheckUserName returns an error if no SQL user of an application may have the name. The name
// lacks the cluster's prefix.
func CheckUserName(name string) error {
	switch {
	case !userPattern.MatchString(name):
		return fmt.Errorf("%q must be a letter and up to 15 letters, digits, underscores and hyphens; leave out the cluster's prefix", name)
	case name == "root":
		return errors.New("every cluster has a root, and no application should log in as it; choose another name")
	}
	return nil
}

// CheckBranchName returns an error if no branch may have the name. TiDB Cloud documents no rule;
// its CLI lets a user type 64 characters.
// https://github.com/tidbcloud/tidbcloud-cli/blob/main/internal/cli/serverless/branch/create.go
func CheckBranchName(name string) error {
	if !branchPattern.MatchString(name) {
		return fmt.Errorf("%q must have 1 to 64 letters, digits, hyphens, underscores and dots, with a letter or digit first", name)
	}
	return nil
}
