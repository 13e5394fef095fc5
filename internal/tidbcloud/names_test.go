package tidbcloud_test

import (
	"strings"
	"testing"

	"portfolio-infra/internal/testcheck"
	"portfolio-infra/internal/tidbcloud"
)

func TestCheckNames(t *testing.T) {
	for _, tt := range []struct {
		name  string
		check func(string) error
		value string
		want  string // "" if the value is valid
	}{
		{"cluster, shortest", tidbcloud.CheckClusterName, "db-1", ""},
		{"cluster, too short", tidbcloud.CheckClusterName, "db1", `"db1" must have 4 to 64 letters`},
		{"cluster, longest", tidbcloud.CheckClusterName, strings.Repeat("a", 64), ""},
		{"cluster, too long", tidbcloud.CheckClusterName, strings.Repeat("a", 65), "must have 4 to 64 letters"},
		{"cluster, hyphen last", tidbcloud.CheckClusterName, "port-", "a letter or digit first and last"},
		{"cluster, unicode", tidbcloud.CheckClusterName, "datenbänke", "must have 4 to 64 letters"},
		{"cluster, newline", tidbcloud.CheckClusterName, "port\nfolio", `"port\nfolio" must have`},
		{"branch", tidbcloud.CheckBranchName, "pr-1_a.b", ""},
		{"branch, longest", tidbcloud.CheckBranchName, strings.Repeat("a", 64), ""},
		{"branch, too long", tidbcloud.CheckBranchName, strings.Repeat("a", 65), "1 to 64 letters"},
		{"branch, empty", tidbcloud.CheckBranchName, "", `"" must have 1 to 64 letters`},
		{"branch, slash", tidbcloud.CheckBranchName, "feature/x", "must have 1 to 64 letters"},
		{"region, no cloud", tidbcloud.CheckRegion, "regions/moon-1", "must be a region's name"},
		{"region", tidbcloud.CheckRegion, "regions/aws-us-east-1", ""},
		{"region, bare", tidbcloud.CheckRegion, "ap-northeast-1", "did you mean regions/aws-ap-northeast-1?"},
		{"region, with cloud", tidbcloud.CheckRegion, "alicloud-ap-southeast-1", "did you mean regions/alicloud-ap-southeast-1?"},
		{"region, in capitals", tidbcloud.CheckRegion, "regions/AWS-us-east-1/", "did you mean regions/aws-us-east-1?"},
		{"region, no guess", tidbcloud.CheckRegion, "Tokyo!", `"Tokyo!" must be a region's name, like regions/aws-ap-northeast-1`},
		{"region, hyphen last", tidbcloud.CheckRegion, "regions/aws-", "must be a region's name"},
		{"user", tidbcloud.CheckUserName, "api_2-x", ""},
		{"user, longest", tidbcloud.CheckUserName, strings.Repeat("u", 16), ""},
		{"user, too long", tidbcloud.CheckUserName, strings.Repeat("u", 17), "up to 15 letters"},
		{"user, digit first", tidbcloud.CheckUserName, "2api", "must be a letter"},
		{"user, root", tidbcloud.CheckUserName, "root", "every cluster has a root"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.check(tt.value)
			testcheck.Error(t, err, tt.want)
		})
	}
}
