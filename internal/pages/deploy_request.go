package pages

import (
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"lukechampine.com/blake3"

	"portfolio-infra/internal/cloudflare"
)

// DeployRequest is the input of deploy and undeploy. The engine runs deploy again when it changes.
type DeployRequest struct {
	AccountID string `json:"accountId"`
	Project   string `json:"project"`
	// CreatedOn is when the project was created. Nothing reads it. A new project has another
	// date, so the request changes and deploy runs again.
	CreatedOn string `json:"createdOn,omitempty"`
	// Owner is the stack's owner, which its deployments bear.
	Owner string `json:"owner"`
	// Site is the folder, relative to the working directory. Digest is [Site.Digest].
	Site   string `json:"site"`
	Digest string `json:"digest"`
	// Flags are the compatibility flags of the Functions.
	Flags []string `json:"flags,omitempty"`
	// Settings changes with the bindings, variables and other settings that a deployment
	// takes from the project.
	Settings string `json:"settings,omitempty"`
	// Overwrite allows replacing somebody else's production deployment.
	Overwrite bool `json:"overwrite,omitempty"`
	// Functions, FunctionsEnv and PublicFiles say how the site is read, as in [Folder].
	Functions    string   `json:"functions,omitempty"`
	FunctionsEnv []string `json:"functionsEnv,omitempty"`
	PublicFiles  []string `json:"publicFiles,omitempty"`
	// NoIndex is as in [Folder].
	NoIndex bool `json:"noindex,omitempty"`
}

var (
	ownerPattern  = regexp.MustCompile(`^[A-Za-z0-9-]{1,63}$`)
	digestPattern = regexp.MustCompile(`^[0-9a-f]{32}$`)
)

// EnvDrift is the environment variable with the stack's drift mark: why the site is deployed
// again although the request is the same, and since when. An older deployment is not adopted.
const EnvDrift = "PAGES_DEPLOYMENT_DRIFT"

// driftPattern matches the time at the end of a drift mark.
var driftPattern = regexp.MustCompile(`\(([-0-9T:.Z]+)\)$`)

// driftSince returns the time of a drift mark, or the zero time.
func driftSince(mark string) time.Time {
	found := driftPattern.FindStringSubmatch(mark)
	if found == nil {
		return time.Time{}
	}
	at, _ := time.Parse(time.RFC3339, found[1])
	return at
}

func (DeployRequest) example() string {
	return `{"accountId": "…", "project": "…", "owner": "…", "site": "…", "digest": "…"}`
}

func (r DeployRequest) check() error {
	var problems []error
	if !cloudflare.IsAccountID(r.AccountID) {
		problems = append(problems, fmt.Errorf("accountId: %q is not 32 hexadecimal digits", r.AccountID))
	}
	if !cloudflare.IsProjectName(r.Project) {
		problems = append(problems, fmt.Errorf("project: %q is not a valid Pages project name", r.Project))
	}
	if !ownerPattern.MatchString(r.Owner) {
		problems = append(problems, fmt.Errorf("owner: %q is not 1 to 63 letters, digits and dashes", r.Owner))
	}
	if r.Site == "" {
		problems = append(problems, errors.New("site: a folder is needed"))
	}
	if !digestPattern.MatchString(r.Digest) {
		problems = append(problems, fmt.Errorf("digest: %q is not 32 hexadecimal digits", r.Digest))
	}
	return errors.Join(problems...)
}

// mark returns the end of the commit message of the deployment that the request makes.
func (r DeployRequest) mark() string {
	sum := blake3.Sum256(fmt.Appendf(nil, "%q", append([]string{r.Digest, r.Settings}, r.Flags...)))
	return fmt.Sprintf("[pulumi %s %s]", r.Owner, hex.EncodeToString(sum[:8]))
}

var markPattern = regexp.MustCompile(`\[pulumi ([A-Za-z0-9-]+) [0-9a-f]{16}\]$`)

// IsOurs reports whether a deployment bears the mark of the stack that has that owner.
func IsOurs(d cloudflare.Deployment, owner string) bool {
	found := markPattern.FindStringSubmatch(d.Message())
	return found != nil && found[1] == owner
}

// makes reports whether the request would make the same deployment: nothing that it depends on
// has changed since.
func (r DeployRequest) makes(d cloudflare.Deployment) bool {
	return strings.HasSuffix(d.Message(), r.mark())
}
