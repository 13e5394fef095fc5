package provider

import (
	"cmp"
	"fmt"
	"time"

	"github.com/pulumi/pulumi-go-provider/infer"
)

var (
	_ infer.Annotated = (*ClusterArgs)(nil)
	_ infer.Annotated = (*ClusterState)(nil)
)

// clusterTimeout is the default of createTimeoutSeconds.
const clusterTimeout = 10 * time.Minute

// ClusterArgs are a cluster's inputs.
type ClusterArgs struct {
	DisplayName          string              `pulumi:"displayName"`
	Region               string              `pulumi:"region" provider:"replaceOnChanges"`
	Owner                string              `pulumi:"owner"`
	ProjectID            *string             `pulumi:"projectId,optional"`
	Labels               map[string]string   `pulumi:"labels,optional"`
	SpendingLimitMonthly *int                `pulumi:"spendingLimitMonthly,optional"`
	AuthorizedNetworks   []AuthorizedNetwork `pulumi:"authorizedNetworks,optional"`
	Logins               []string            `pulumi:"logins,optional"`
	Adopt                *bool               `pulumi:"adopt,optional"`
	DeletionProtection   *bool               `pulumi:"deletionProtection,optional"`
	CreateTimeoutSeconds *int                `pulumi:"createTimeoutSeconds,optional"`
}

// ClusterState is a cluster's state. It lacks what TiDB Cloud changes (state, update time), so
// that a refresh of an unchanged cluster shows nothing.
type ClusterState struct {
	ClusterArgs
	ClusterID  string `pulumi:"clusterId"`
	Host       string `pulumi:"host"`
	Port       int    `pulumi:"port"`
	UserPrefix string `pulumi:"userPrefix"`
	Version    string `pulumi:"version"`
	CreateTime string `pulumi:"createTime"`
	// Organization is unset in states of earlier versions.
	Organization string `pulumi:"organization,optional"`
	// OwnLogins are the logins that did not exist before; see ownLogins.
	OwnLogins []string `pulumi:"ownLogins,optional"`
	// Imported reports whether no update has followed an import.
	Imported bool `pulumi:"imported,optional"`
}

// Annotate implements [infer.Annotated].
func (c *ClusterArgs) Annotate(a infer.Annotator) {
	a.Describe(&c.DisplayName, "Name of the cluster: 4 to 64 letters, digits and hyphens, a letter or digit first and last.")
	a.Describe(&c.Region, "Region, such as regions/aws-ap-northeast-1. A change replaces the cluster.")
	a.Describe(&c.Owner, "Identity of what owns the cluster, such as project.stack, kept as its label "+OwnerLabel+". "+
		"A cluster with this label counts as an orphan of an earlier run and is adopted, so no two clusters may have the same owner. "+
		"1 to 63 letters, digits, hyphens, underscores and dots, a letter or digit first and last, and not "+FreeOwner+", which means nobody. "+
		"Only an imported cluster without the label has an empty one.")
	a.Describe(&c.ProjectID, "ID of the project of a new cluster. Default: the organization's default project. "+
		"Only TiDB Cloud's console moves clusters between projects, so a later change is recorded and has no other effect.")
	a.Describe(&c.Labels, "Your own labels. Other labels of the cluster are left alone. "+
		"TiDB Cloud may keep one that is removed here; the error then names it.")
	a.Describe(&c.SpendingLimitMonthly, "Spending limit in US cents a month, 1 or more. Unset or removed: TiDB Cloud keeps what it has, and only its console can lift a limit.")
	a.Describe(&c.AuthorizedNetworks, "All ranges of addresses that may connect. Unset: TiDB Cloud keeps what it has (at first, all addresses).")
	a.Describe(&c.Logins, "Names, without the cluster's prefix, of the SQL users that this stack makes on the cluster. "+
		"Those that did not exist before are deleted with the resource where the cluster itself stays.")
	a.Describe(&c.Adopt, "Adopt an existing cluster of this name and region without an owner label, instead of failing. Default: false.")
	a.Describe(&c.DeletionProtection, "Refuse to delete the cluster, also for a replacement, and to create another when it cannot be found. "+
		"It holds if either the last run or this one has it, so one run turns it off and the next one deletes. Default: true.")
	a.SetDefault(&c.DeletionProtection, true)
	a.Describe(&c.CreateTimeoutSeconds, fmt.Sprintf("How long to wait until the cluster can be connected to, in seconds. "+
		"The resource option customTimeouts wins if it is shorter. The next run resumes. Default: %d.", int(clusterTimeout.Seconds())))
}

// Annotate implements [infer.Annotated].
func (c *ClusterState) Annotate(a infer.Annotator) {
	a.Describe(&c.ClusterID, "ID of the cluster.")
	a.Describe(&c.Host, "Host to connect to.")
	a.Describe(&c.Port, "Port to connect to.")
	a.Describe(&c.UserPrefix, "Prefix of each SQL user's name: userPrefix.name. Empty if the cluster has none.")
	a.Describe(&c.Version, "Version of TiDB.")
	a.Describe(&c.CreateTime, "When the cluster was created, in RFC 3339.")
	a.Describe(&c.Organization, "ID of the organization that the cluster belongs to.")
	a.Describe(&c.OwnLogins, "Those of logins that are deleted with the resource, if the cluster was not made for the owner.")
	a.Describe(&c.Imported, "Whether no update has followed an import.")
}

// timeout is how long to wait until the cluster can be connected to.
func (c ClusterArgs) timeout() time.Duration {
	return cmp.Or(time.Duration(orZero(c.CreateTimeoutSeconds))*time.Second, clusterTimeout)
}
