package tidbcloud

import (
	"maps"
	"net/netip"
	"regexp"
	"strings"
	"unicode/utf8"
)

// The labels that the cloud itself gives to a cluster.
const (
	labelReserved     = "tidb.cloud/"
	labelOrganization = labelReserved + "organization"
	labelProject      = labelReserved + "project"
)

// settings are the fields of a cluster that both a POST and a PATCH may hold. All
// that are read-only are missing, so they are unknown fields.
type settings struct {
	DisplayName   *string `json:"displayName"`
	SpendingLimit *struct {
		Monthly *int32 `json:"monthly"`
	} `json:"spendingLimit"`
	AutomatedBackupPolicy *struct {
		StartTime     *string `json:"startTime"`
		RetentionDays *int32  `json:"retentionDays"`
	} `json:"automatedBackupPolicy"`
	Endpoints *struct {
		Public *struct {
			Disabled           *bool      `json:"disabled"`
			AuthorizedNetworks *[]Network `json:"authorizedNetworks"`
		} `json:"public"`
	} `json:"endpoints"`
	Labels *map[string]string `json:"labels"`
}

// field is a setting by the name that an update mask has for it.
type field struct {
	mask string
	// held reports whether the settings hold it, apply sets it on a cluster.
	held  func(s settings) bool
	apply func(s settings, cl *Cluster) error
}

// fields are the masks that the official clients send, which is all that is known of
// them: the API's description has one example, displayName. For the first two see
// internal/cli/serverless/update.go and spending_limit.go in
// https://github.com/tidbcloud/tidbcloud-cli, for the last three
// internal/provider/serverless_cluster_resource.go in
// https://github.com/tidbcloud/terraform-provider-tidbcloud.
var fields = []field{
	{"displayName", func(s settings) bool { return s.DisplayName != nil }, settings.applyDisplayName},
	{"labels", func(s settings) bool { return s.Labels != nil }, settings.applyLabels},
	{"spendingLimit.monthly", func(s settings) bool { return s.SpendingLimit != nil }, settings.applySpendingLimit},
	{"automatedBackupPolicy", func(s settings) bool { return s.AutomatedBackupPolicy != nil }, settings.applyBackupPolicy},
	{
		"endpoints.public.disabled",
		func(s settings) bool { return s.public() && s.Endpoints.Public.Disabled != nil },
		settings.applyDisabled,
	},
	{
		"endpoints.public.authorizedNetworks",
		func(s settings) bool { return s.public() && s.Endpoints.Public.AuthorizedNetworks != nil },
		settings.applyNetworks,
	},
}

func (s settings) public() bool { return s.Endpoints != nil && s.Endpoints.Public != nil }

// applyAll sets on the cluster whatever the settings hold.
func (s settings) applyAll(cl *Cluster) error {
	for _, f := range fields {
		if !f.held(s) {
			continue
		}
		if err := f.apply(s, cl); err != nil {
			return err
		}
	}
	return nil
}

var displayName = regexp.MustCompile(`^[A-Za-z0-9][-A-Za-z0-9]{2,62}[A-Za-z0-9]$`)

func (s settings) applyDisplayName(cl *Cluster) error {
	if !displayName.MatchString(*s.DisplayName) {
		return badRequest("displayName %q does not match %s", *s.DisplayName, displayName)
	}
	cl.DisplayName = *s.DisplayName
	return nil
}

// applySpendingLimit refuses 0, as the CLI does before it sends anything; that the
// API does too is assumed. The least limit of a paid cluster is a cent:
// https://www.pingcap.com/tidb-cloud-serverless-pricing-details/
func (s settings) applySpendingLimit(cl *Cluster) error {
	monthly := s.SpendingLimit.Monthly
	if monthly == nil || *monthly < 1 {
		return badRequest("spendingLimit.monthly must be a number of US cents from 1 on")
	}
	cl.SpendingLimit = &SpendingLimit{Monthly: *monthly}
	return nil
}

var timeOfDay = regexp.MustCompile(`^([01][0-9]|2[0-3]):[0-5][0-9]$`)

// applyBackupPolicy leaves alone the part that is not given.
func (s settings) applyBackupPolicy(cl *Cluster) error {
	policy := *cl.AutomatedBackupPolicy
	if start := s.AutomatedBackupPolicy.StartTime; start != nil {
		if !timeOfDay.MatchString(*start) {
			return badRequest("automatedBackupPolicy.startTime %q is not a time as HH:mm", *start)
		}
		policy.StartTime = *start
	}
	if days := s.AutomatedBackupPolicy.RetentionDays; days != nil {
		if *days < 1 || *days > 90 {
			return badRequest("automatedBackupPolicy.retentionDays %d is not within 1 to 90", *days)
		}
		policy.RetentionDays = *days
	}
	cl.AutomatedBackupPolicy = &policy
	return nil
}

func (s settings) applyDisabled(cl *Cluster) error {
	cl.Endpoints.Public.Disabled = *s.Endpoints.Public.Disabled
	return nil
}

func (s settings) applyNetworks(cl *Cluster) error {
	for _, n := range *s.Endpoints.Public.AuthorizedNetworks {
		start, err1 := netip.ParseAddr(n.StartIPAddress)
		end, err2 := netip.ParseAddr(n.EndIPAddress)
		if err1 != nil || err2 != nil || !start.Is4() || !end.Is4() || end.Less(start) {
			return badRequest("authorizedNetworks: %q to %q is not a range of IPv4 addresses", n.StartIPAddress, n.EndIPAddress)
		}
		if n.DisplayName == "" {
			return badRequest("authorizedNetworks: %s to %s has no displayName", start, end)
		}
	}
	cl.Endpoints.Public.AuthorizedNetworks = *s.Endpoints.Public.AuthorizedNetworks
	return nil
}

// applyLabels adds or updates labels and removes none, as the help of the CLI's
// update command has it: "The labels of the cluster to be added or updated"
// (https://github.com/tidbcloud/tidbcloud-cli, internal/cli/serverless/update.go).
// A request may repeat the cloud's own labels.
func (s settings) applyLabels(cl *Cluster) error {
	labels := map[string]string{}
	for key, value := range *s.Labels {
		if own, ok := cl.Labels[key]; strings.HasPrefix(key, labelReserved) {
			if !ok || value != own {
				return badRequest("label %q cannot be set to %q", key, value)
			}
			continue
		}
		if !validKey(key) {
			return badRequest("label %q: a key has an optional DNS prefix and a name of up to 63 letters, digits, - _ or .", key)
		}
		if !labelValue.MatchString(value) {
			return badRequest("label %q: its value %q is not of up to 63 letters, digits, - _ or .", key, value)
		}
		labels[key] = value
	}
	maps.Copy(cl.Labels, labels)
	return nil
}

// The parts of a label, which are those of Kubernetes.
var (
	labelPrefix = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`)
	labelName   = regexp.MustCompile(`^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$`)
	labelValue  = regexp.MustCompile(`^[-A-Za-z0-9_.]{0,63}$`)
)

func validKey(key string) bool {
	prefix, name, prefixed := strings.Cut(key, "/")
	if !prefixed {
		return labelName.MatchString(key)
	}
	return len(prefix) <= 253 && labelPrefix.MatchString(prefix) && labelName.MatchString(name)
}

// checkPassword checks a new password, which its error does not show.
func checkPassword(field string, password *string) error {
	if password == nil {
		return badRequest("%s is missing", field)
	}
	if n := utf8.RuneCountInString(*password); n < 8 || n > 64 || strings.ContainsAny(*password, "\r\n") {
		return badRequest("%s must be 8 to 64 characters on one line", field)
	}
	return nil
}
