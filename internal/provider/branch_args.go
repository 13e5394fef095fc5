package provider

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/pulumi/pulumi-go-provider/infer"

	"portfolio-infra/internal/sqllogin"
	"portfolio-infra/internal/tidbcloud"
)

var (
	_ infer.Annotated = (*BranchArgs)(nil)
	_ infer.Annotated = (*BranchState)(nil)
)

// BranchArgs are a branch's inputs.
type BranchArgs struct {
	ClusterID            string            `pulumi:"clusterId" provider:"replaceOnChanges"`
	DisplayName          string            `pulumi:"displayName" provider:"replaceOnChanges"`
	Owner                string            `pulumi:"owner" provider:"replaceOnChanges"`
	Annotations          map[string]string `pulumi:"annotations,optional" provider:"replaceOnChanges"`
	ParentTimestamp      *string           `pulumi:"parentTimestamp,optional" provider:"replaceOnChanges"`
	ResetToken           *string           `pulumi:"resetToken,optional"`
	CreateTimeoutSeconds *int              `pulumi:"createTimeoutSeconds,optional"`
	DropLogins           *bool             `pulumi:"dropLogins,optional"`
	Masks                *Masks            `pulumi:"masks,optional"`
}

// BranchState is a branch's state. Like [ClusterState] it lacks what TiDB Cloud changes.
type BranchState struct {
	BranchArgs
	BranchID   string `pulumi:"branchId"`
	Host       string `pulumi:"host"`
	Port       int    `pulumi:"port"`
	UserPrefix string `pulumi:"userPrefix"`
	User       string `pulumi:"user"`
	Password   string `pulumi:"password" provider:"secret"`
	// PasswordSetAt is empty if the password has to be set once more.
	PasswordSetAt string `pulumi:"passwordSetAt"`
	CreateTime    string `pulumi:"createTime"`
	Organization  string `pulumi:"organization"`
	Imported      bool   `pulumi:"imported,optional"`
}

// Annotate implements [infer.Annotated].
func (b *BranchArgs) Annotate(a infer.Annotator) {
	a.Describe(&b.ClusterID, "ID of the cluster, the branch's parent. A change replaces the branch.")
	a.Describe(&b.DisplayName, "Name of the branch, of up to 64 characters. A change replaces the branch. "+
		"If the name contains the owner, an orphan is found even where TiDB Cloud keeps no annotations.")
	a.Describe(&b.Owner, "Identity of what owns the branch, kept as its annotation "+OwnerLabel+", in the form of a cluster's owner. "+
		"A branch of the cluster with this annotation counts as an orphan of an earlier run and is adopted, so no two branches of a cluster may have the same owner. A change replaces the branch.")
	a.Describe(&b.Annotations, "Your own annotations. A change replaces the branch.")
	a.Describe(&b.ParentTimestamp, "Point in time of the cluster that the branch is a copy of, in RFC 3339: up to 24 hours back on a free cluster, 14 days on a paid one. Default: now. A change replaces the branch.")
	a.Describe(&b.ResetToken, "Any text; a change resets the branch to what the cluster has then. All that was written to the branch is lost.")
	a.Describe(&b.CreateTimeoutSeconds, fmt.Sprintf("How long to wait until the branch can be connected to, in seconds. "+
		"The resource option customTimeouts wins if it is shorter. The next run resumes. Default: %d.", int(clusterTimeout.Seconds())))
	a.Describe(&b.DropLogins, "Drop each SQL user with the branch's prefix but root and those that were made for the branch (SqlUser with root), before the branch counts as made. "+
		"A preview shows others that came later, and a run drops them. Default: false.")
	a.Describe(&b.Masks, "SQL files that change the rows which nobody may see, applied once as root, before any other login exists; needs dropLogins. "+
		"A reset, also one outside of Pulumi, drops all logins and applies them again. An error shows the file, the line and the number alone. A file that was applied cannot be changed without another resetToken.")
}

// Annotate implements [infer.Annotated].
func (b *BranchState) Annotate(a infer.Annotator) {
	a.Describe(&b.BranchID, "ID of the branch.")
	a.Describe(&b.Host, "Host to connect to.")
	a.Describe(&b.Port, "Port to connect to.")
	a.Describe(&b.UserPrefix, "Prefix of each SQL user's name on the branch. The cluster has another one.")
	a.Describe(&b.User, "Name to log in with as root.")
	a.Describe(&b.Password, "Password of root, of 32 letters and digits.")
	a.Describe(&b.PasswordSetAt, "When the password was set, in RFC 3339.")
	a.Describe(&b.CreateTime, "When the branch was created, in RFC 3339.")
	a.Describe(&b.Organization, "ID of the organization that the cluster belongs to.")
	a.Describe(&b.Imported, "Whether the branch was imported.")
}

func (b BranchArgs) timeout() time.Duration {
	return cmp.Or(time.Duration(orZero(b.CreateTimeoutSeconds))*time.Second, clusterTimeout)
}

func (b BranchState) id() string { return b.ClusterID + "/" + b.BranchID }

func (b BranchState) login() login {
	return login{Login: sqllogin.Login{Host: b.Host, Port: b.Port, User: b.User, Password: b.Password}}
}

// setLive sets the outputs. What the API leaves out stays as recorded.
func (b *BranchState) setLive(live tidbcloud.Branch) {
	b.BranchID = live.ID
	setIfKnown(&b.Host, live.Host)
	setIfKnown(&b.Port, live.Port)
	setIfKnown(&b.CreateTime, live.CreateTime)
	if live.UserPrefix != "" {
		b.UserPrefix, b.User = live.UserPrefix, tidbcloud.FullName(live.UserPrefix, rootUser)
	}
}

// parseBranchID parses the ID of the resource.
func parseBranchID(id string) (clusterID, branchID string, err error) {
	clusterID, branchID, ok := strings.Cut(id, "/")
	if !ok || clusterID == "" || branchID == "" || strings.Contains(branchID, "/") {
		return "", "", fmt.Errorf("%q is not the ID of a branch: write clusterId/branchId", id)
	}
	return clusterID, branchID, nil
}

// sameMoment reports whether two points in time are the same, however they are written.
func sameMoment(a, b *string) bool {
	at, aErr := time.Parse(time.RFC3339, orZero(a))
	bt, bErr := time.Parse(time.RFC3339, orZero(b))
	return aErr == nil && bErr == nil && at.Equal(bt)
}
