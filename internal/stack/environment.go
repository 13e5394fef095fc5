package stack

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"portfolio-infra/internal/environment/mark"
	"portfolio-infra/internal/migration"
)

// Environment is what a stack named pr-NUMBER has beside what any other has.
type Environment struct {
	Number int
	// Repository is the ID of the repository whose pull request it is of, or "" if the stack is
	// made by hand.
	Repository string
	// Seeds fill the tables of a cluster of its own, or are nil.
	Seeds *Migrations
	// Copy is the copy that the environment works on, or nil if it has a cluster of its own.
	Copy *Copy
}

// Copy is a masked copy of another cluster.
type Copy struct {
	// ClusterID is the cluster's ID. [Copy.findParent] finds it if the config names its stack.
	ClusterID, Stack string
	// Masks take personal data out of the copy. They are nil if no data needs it.
	Masks *Migrations
}

// The data of an environment, as the config key previewData names it.
const (
	freshData  = "fresh"
	branchData = "branch"
)

// onlyInEnvironments are the keys that another stack does not take.
var onlyInEnvironments = []string{"previewData", "seeds", "branchOf", "masks"}

// notInEnvironments are the keys that an environment does not take, with why. Its names are
// made of its stack's, so that those of two pull requests, and of production, differ.
var notInEnvironments = map[string]string{
	"pagesProject": "the names of an environment are made of its stack's",
	"worker":       "the names of an environment are made of its stack's",
	"cluster":      "the names of an environment are made of its stack's",
	"domain":       "an environment has its pages.dev address alone",
	"zoneId":       "an environment has its pages.dev address alone",
}

// environment reads the keys of environments. It returns nil for any other stack.
func (r *reader) environment(c *Config) *Environment {
	r.integer("expireAfterDays", 1, 365) // for the nightly job
	set := map[string]string{}
	for _, key := range onlyInEnvironments {
		set[key] = r.text(key)
	}
	number, ok := mark.Number(r.ctx.Stack())
	if !ok {
		for _, key := range onlyInEnvironments {
			if set[key] != "" {
				r.problem(key, "only a stack named pr-NUMBER takes it, the environment of a pull request: run `pulumi config rm %s`", key)
			}
		}
		return nil
	}
	for _, key := range slices.Sorted(maps.Keys(notInEnvironments)) {
		if r.text(key) != "" {
			r.problem(key, "%s: run `pulumi config rm %s`", notInEnvironments[key], key)
		}
	}
	if c.Doppler != (Doppler{}) {
		r.problem("doppler", "an environment writes its connection string nowhere else, since others read what is there: run `pulumi config rm doppler`")
	}
	if c.Protect {
		r.problem("protect", "an environment ends with its pull request: run `pulumi config set protect false`")
	}
	e := &Environment{Number: number, Repository: r.program.Getenv(mark.EnvRepository)}
	switch data := set["previewData"]; data {
	case "", freshData:
		for _, key := range []string{"branchOf", "masks"} {
			if set[key] != "" {
				r.problem(key, "it is for a copy of another cluster, and this environment has data of its own: "+
					"run `pulumi config set previewData branch`, or `pulumi config rm %s`", key)
			}
		}
		e.Seeds = r.plainSQL("seeds")
	case branchData:
		if set["seeds"] != "" {
			r.problem("seeds", "a copy of another cluster has that one's rows: run `pulumi config rm seeds`")
		}
		e.Copy = &Copy{}
		e.Copy.ClusterID, e.Copy.Stack = r.parent("branchOf")
		e.Copy.Masks = r.masks("masks")
	default:
		r.problem("previewData", "%q must be fresh or branch, or empty for fresh: run `pulumi config rm previewData`", data)
	}
	return e
}

var (
	checkClusterID   = pattern(`^[A-Za-z0-9-]{1,64}$`, "the ID of a cluster, as `pulumi stack output clusterId` prints it, or stack:ORGANIZATION/PROJECT/STACK")
	checkParentStack = pattern(`^[^/\s]+/[^/\s]+/[^/\s]+$`, "the full name of a stack, stack:ORGANIZATION/PROJECT/STACK; with a backend of your own the organization is the word organization")
)

// parent reads which cluster is copied: its ID, or the stack that has it.
func (r *reader) parent(key string) (clusterID, stack string) {
	v := r.text(key)
	stack, ofStack := strings.CutPrefix(v, "stack:")
	switch {
	case v == "":
		r.problem(key, "previewData branch needs the cluster to copy: run `pulumi config set %s CLUSTER_ID`, or `pulumi config rm previewData`", key)
	case ofStack:
		r.check(key, stack, checkParentStack)
		return "", stack
	default:
		r.check(key, v, checkClusterID)
	}
	return v, ""
}

// masks reads the folder of masks. Without one the config says that none is wanted: a copy has
// rows of production, and whoever opens a pull request can read them.
func (r *reader) masks(key string) *Migrations {
	switch r.text(key) {
	case "":
		r.problem(key, "previewData branch needs a folder of SQL that takes personal data out of the copy: run `pulumi config set %s FOLDER`, "+
			"or, if whoever opens a pull request may read every row, `pulumi config set %s none`", key, key)
		return nil
	case "none":
		return nil
	}
	return r.plainSQL(key)
}

// plainSQL reads a folder of SQL files without a tool's layout, if there is one.
func (r *reader) plainSQL(key string) *Migrations {
	folder := r.text(key)
	if folder == "" {
		return nil
	}
	m, _ := r.sqlFolder(key, folder, migration.Plain)
	return m
}

// resetToken changes with what the masks do, so that another mask works on a fresh copy.
func (c *Copy) resetToken(database string) string {
	sum := sha256.New()
	fmt.Fprintf(sum, "%s\n", database)
	for _, name := range slices.Sorted(maps.Keys(c.Masks.Files)) {
		fmt.Fprintf(sum, "%q %s\n", name, c.Masks.Files[name])
	}
	return hex.EncodeToString(sum.Sum(nil)[:8])
}

// findParent finds the cluster of the stack that the config names. A StackReference would do
// the same, and keep all outputs of that stack in this one's state, passwords too.
// https://github.com/pulumi/pulumi/blob/v3.256.0/pkg/resource/deploy/builtins.go, readStackReference
func (c *Copy) findParent(ctx *pulumi.Context) error {
	if c.Stack == "" {
		return nil
	}
	var found struct {
		Outputs map[string]any `pulumi:"outputs"`
	}
	const byID = "`pulumi config set branchOf CLUSTER_ID` names the cluster itself"
	if _, err := ctx.InvokePackageRaw("pulumi:pulumi:readStackOutputs", map[string]any{"name": c.Stack}, &found, ""); err != nil {
		return fmt.Errorf("config key branchOf: reading the outputs of the stack %s, and nothing was changed (%s): %w", c.Stack, byID, err)
	}
	id, _ := found.Outputs["clusterId"].(string)
	if id == "" {
		return fmt.Errorf("config key branchOf: the stack %s has no output clusterId, and nothing was changed: run `pulumi up` there first; %s", c.Stack, byID)
	}
	c.ClusterID = id
	return nil
}

// checkStackName refuses a stack that was renamed from or to the name of an environment. The
// end of an environment removes whatever bears its mark.
func checkStackName(owner, project, stack string) error {
	rename := func(old string) error {
		return fmt.Errorf("the stack was renamed, and the name of an environment says which pull request it is of; nothing was changed: "+
			"run `pulumi stack rename %s`", old)
	}
	number, isEnvironment := mark.Number(stack)
	if marked, ok := mark.Marked(owner); ok {
		if isEnvironment && marked == number {
			return nil
		}
		return rename(mark.Stack(marked))
	}
	was, known := slugOf(owner)
	if !isEnvironment || !known || strings.HasSuffix("-"+was, "-"+stack) {
		return nil
	}
	return rename(strings.TrimPrefix(was, mark.Slug(project)+"-"))
}
