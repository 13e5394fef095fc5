package provider

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/pulumi/pulumi-go-provider/infer"

	"portfolio-infra/internal/tidbcloud"
)

// AuthorizedNetwork is a range of IPv4 addresses that may connect to a cluster.
type AuthorizedNetwork tidbcloud.Network

// Annotate implements [infer.Annotated].
func (n *AuthorizedNetwork) Annotate(a infer.Annotator) {
	a.Describe(n, "A range of IPv4 addresses that may connect to a cluster.")
	a.Describe(&n.DisplayName, "Description of the range.")
	a.Describe(&n.StartIPAddress, "First IPv4 address.")
	a.Describe(&n.EndIPAddress, "Last IPv4 address.")
}

// networks checks ranges of addresses. It refuses an empty list, which could mean nobody or
// everybody.
func (c *checker) networks(input string, networks []AuthorizedNetwork) {
	given := c.inputs.Get(input) // the decoded input is the same for an empty list and none
	c.that(input, !given.IsArray() || given.AsArray().Len() > 0, "must not be empty; leave it out to keep what TiDB Cloud has")
	for i, n := range networks {
		c.that(input, n.DisplayName != "", "range %d needs a displayName", i+1)
		first, err1 := netip.ParseAddr(n.StartIPAddress)
		last, err2 := netip.ParseAddr(n.EndIPAddress)
		valid := err1 == nil && err2 == nil && first.Is4() && last.Is4() && !last.Less(first)
		c.that(input, valid, "range %d, from %q to %q, must be two IPv4 addresses, the lower one first", i+1, n.StartIPAddress, n.EndIPAddress)
	}
}

func networksOf(live tidbcloud.Cluster) []AuthorizedNetwork {
	networks := make([]AuthorizedNetwork, len(live.Networks))
	for i, n := range live.Networks {
		networks[i] = AuthorizedNetwork(n)
	}
	return networks
}

// sameNetworks compares ranges. Their order does not matter.
func sameNetworks(a, b []AuthorizedNetwork) bool {
	order := func(x, y AuthorizedNetwork) int {
		return strings.Compare(fmt.Sprintf("%q", x), fmt.Sprintf("%q", y))
	}
	return slices.Equal(slices.SortedFunc(slices.Values(a), order), slices.SortedFunc(slices.Values(b), order))
}

// restricted reports whether ranges exclude an address. Those of a new cluster do not.
func restricted(networks []AuthorizedNetwork) bool {
	return len(networks) > 0 && !slices.ContainsFunc(networks, func(n AuthorizedNetwork) bool {
		return n.StartIPAddress == "0.0.0.0" && n.EndIPAddress == "255.255.255.255"
	})
}
