package stack

import (
	"reflect"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Cluster is the resource tidbcloud:index:Cluster, as far as the stack uses it.
// The provider's schema says what each property means.
type Cluster struct {
	pulumi.CustomResourceState

	DisplayName pulumi.StringOutput `pulumi:"displayName"`
	Region      pulumi.StringOutput `pulumi:"region"`
	Host        pulumi.StringOutput `pulumi:"host"`
	Port        pulumi.IntOutput    `pulumi:"port"`
	UserPrefix  pulumi.StringOutput `pulumi:"userPrefix"`
}

type clusterArgs struct {
	DisplayName          string  `pulumi:"displayName"`
	Region               string  `pulumi:"region"`
	Owner                string  `pulumi:"owner"`
	ProjectID            *string `pulumi:"projectId"`
	SpendingLimitMonthly *int    `pulumi:"spendingLimitMonthly"`
	Adopt                *bool   `pulumi:"adopt"`
	DeletionProtection   *bool   `pulumi:"deletionProtection"`
}

// ClusterArgs are the inputs of a [Cluster].
type ClusterArgs struct {
	DisplayName          pulumi.StringInput
	Region               pulumi.StringInput
	Owner                pulumi.StringInput
	ProjectID            pulumi.StringPtrInput
	SpendingLimitMonthly pulumi.IntPtrInput
	Adopt                pulumi.BoolPtrInput
	DeletionProtection   pulumi.BoolPtrInput
}

// ElementType makes ClusterArgs an input of the SDK.
func (ClusterArgs) ElementType() reflect.Type { return reflect.TypeFor[clusterArgs]() }

// NewCluster registers a cluster.
func NewCluster(ctx *pulumi.Context, name string, args *ClusterArgs, opts ...pulumi.ResourceOption) (*Cluster, error) {
	var c Cluster
	if err := ctx.RegisterResource("tidbcloud:index:Cluster", name, args, &c, opts...); err != nil {
		return nil, err
	}
	return &c, nil
}
