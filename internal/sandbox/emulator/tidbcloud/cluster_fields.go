package tidbcloud

import (
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strings"
)

// newFields are the fields of a cluster that both a POST and a PATCH may set.
type newFields struct {
	DisplayName   *string           `json:"displayName"`
	Labels        map[string]string `json:"labels"`
	SpendingLimit struct {
		Monthly *int32 `json:"monthly"`
	} `json:"spendingLimit"`
}

// clusterFields are those that a PATCH may set.
type clusterFields struct {
	newFields
	Endpoints struct {
		Public struct {
			Disabled           *bool     `json:"disabled"`
			AuthorizedNetworks []Network `json:"authorizedNetworks"`
		} `json:"public"`
	} `json:"endpoints"`
}

type updateClusterRequest struct {
	Cluster    clusterFields `json:"cluster"`
	UpdateMask string        `json:"updateMask"`
}

// check checks that the body has the one field that the mask names, and no other.
func (in updateClusterRequest) check() error {
	present := in.Cluster.present()
	masks := slices.Sorted(maps.Keys(present))
	if !slices.Contains(masks, in.UpdateMask) {
		return badRequest("updateMask %q is not one of %s", in.UpdateMask, strings.Join(masks, ", "))
	}
	for _, mask := range masks {
		switch isNamed := mask == in.UpdateMask; {
		case isNamed && !present[mask]:
			return badRequest("updateMask %q names a field that the body does not have", mask)
		case !isNamed && present[mask]:
			return badRequest("updateMask %q does not cover the body's %s", in.UpdateMask, mask)
		}
	}
	return nil
}

// present reports which fields the body has, by their update masks. The masks are those
// that ticloud sends; the API's description has only displayName, as an example. See
// https://github.com/tidbcloud/tidbcloud-cli, internal/cli/serverless, the files
// update.go, spending_limit.go and authorizednetwork/create.go.
func (f clusterFields) present() map[string]bool {
	public := f.Endpoints.Public
	return map[string]bool{
		"displayName":                         f.DisplayName != nil,
		"labels":                              f.Labels != nil,
		"spendingLimit.monthly":               f.SpendingLimit.Monthly != nil,
		"endpoints.public.disabled":           public.Disabled != nil,
		"endpoints.public.authorizedNetworks": public.AuthorizedNetworks != nil,
	}
}

var displayName = regexp.MustCompile(`^[A-Za-z0-9][-A-Za-z0-9]{2,62}[A-Za-z0-9]$`)

// apply sets the fields on a cluster.
func (f newFields) apply(cl *Cluster) error {
	if name := f.DisplayName; name != nil {
		if !displayName.MatchString(*name) {
			return badRequest("displayName %q does not match %s", *name, displayName)
		}
		cl.DisplayName = *name
	}
	if err := addLabels(cl.Labels, f.Labels); err != nil {
		return err
	}
	// ticloud refuses a limit of 0 in an update. That the API does so too, also for a new
	// cluster, is assumed.
	if monthly := f.SpendingLimit.Monthly; monthly != nil {
		if *monthly < 1 {
			return badRequest("spendingLimit.monthly is %d; the minimum is 1 US cent", *monthly)
		}
		cl.SpendingLimit.Monthly = *monthly
	}
	return nil
}

func (f clusterFields) apply(cl *Cluster) error {
	if disabled := f.Endpoints.Public.Disabled; disabled != nil {
		cl.Endpoints.Public.Disabled = *disabled
	}
	if networks := f.Endpoints.Public.AuthorizedNetworks; networks != nil {
		if err := checkNetworks(networks); err != nil {
			return err
		}
		cl.Endpoints.Public.AuthorizedNetworks = networks
	}
	return f.newFields.apply(cl)
}

func checkNetworks(networks []Network) error {
	for _, n := range networks {
		start, startErr := netip.ParseAddr(n.StartIPAddress)
		end, endErr := netip.ParseAddr(n.EndIPAddress)
		if startErr != nil || endErr != nil || !start.Is4() || !end.Is4() || end.Less(start) {
			return badRequest("authorizedNetworks: %q to %q is not a range of IPv4 addresses", n.StartIPAddress, n.EndIPAddress)
		}
		if n.DisplayName == "" {
			return badRequest("authorizedNetworks: %s to %s has no displayName", start, end)
		}
	}
	return nil
}

// The labels that the cloud itself gives a cluster.
const (
	labelReserved     = "tidb.cloud/"
	labelOrganization = labelReserved + "organization"
	labelProject      = labelReserved + "project"
)

// The parts of a label, as in Kubernetes.
var (
	labelKey   = regexp.MustCompile(`^(` + dnsLabel + `(\.` + dnsLabel + `)*/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$`)
	labelValue = regexp.MustCompile(`^[-A-Za-z0-9_.]{0,63}$`)
)

const dnsLabel = `[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?`

// addLabels adds or updates labels and removes none: "The labels of the cluster to be
// added or updated", says ticloud's help (internal/cli/serverless/update.go). A request
// may repeat the cloud's own labels.
func addLabels(labels, added map[string]string) error {
	for key, value := range added {
		own, isOwn := labels[key]
		switch {
		case strings.HasPrefix(key, labelReserved):
			if !isOwn || value != own {
				return badRequest("label %q cannot be set to %q", key, value)
			}
		case !labelKey.MatchString(key):
			return badRequest("label %q: a key is an optional DNS prefix and a name of up to 63 letters, digits, - _ or .", key)
		case !labelValue.MatchString(value):
			return badRequest("label %q: value %q is not up to 63 letters, digits, - _ or .", key, value)
		}
	}
	maps.Copy(labels, added)
	return nil
}
