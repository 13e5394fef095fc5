package pages

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"portfolio-infra/internal/cloudflare"
	"portfolio-infra/internal/rest"
)

const (
	// maxDeployments is how many deployments Cloudflare deletes with their project.
	// https://developers.cloudflare.com/pages/platform/known-issues/#delete-a-project-with-a-high-number-of-deployments
	maxDeployments = 100
	// lagTime is how long Cloudflare may still list what it has deleted. Assumed.
	lagTime = time.Minute
)

// Names of an environment variable, and of the Worker's variable with its stack's owner.
const (
	envAccount = "CLOUDFLARE_ACCOUNT_ID"
	varOwner   = "PULUMI_STACK"
)

// stay is the delete command of the stack's resource. It deletes nothing: deployments go with
// their project, and if only the resource is replaced or removed, the site must stay up. States
// of all versions run it, so it accepts any request.
func stay(in io.Reader, log io.Writer) {
	r := DeployRequest{}
	_ = json.NewDecoder(in).Decode(&r)
	if !cloudflare.IsProjectName(r.Project) {
		r.Project = "PROJECT"
	}
	fmt.Fprintf(log, "undeploy: nothing is deleted, since deployments go with their project; "+
		"where Cloudflare refuses to delete a project with too many, run `bin/portfolio undeploy %s`\n", r.Project)
}

// Undeploy deletes just enough deployments of a project for Cloudflare to delete the project:
// those of the stack, the oldest first, and then, if others is set, those that somebody else
// made. It never deletes the live one. It writes what it does to log.
func Undeploy(ctx context.Context, project string, others bool, log io.Writer, getenv func(string) string) error {
	u := undeployer{project: project, others: others, most: maxDeployments, log: log}
	if err := u.run(ctx, getenv, nil); err != nil {
		return fmt.Errorf("undeploy: %w", err)
	}
	return nil
}

// undeployer carries out one [Undeploy].
type undeployer struct {
	project string
	others  bool
	most    int // deployments that may stay
	log     io.Writer

	client *cloudflare.Client
	owners []string
	// unknown is why there are no owners.
	unknown error
	// deleted has the IDs of the deleted deployments, kept those of deployments that must stay.
	deleted, kept map[string]bool
}

// run is [Undeploy] with the transport of all requests. Nil is the default one.
func (u *undeployer) run(ctx context.Context, getenv func(string) string, transport http.RoundTripper) (err error) {
	account := getenv(envAccount)
	switch {
	case !cloudflare.IsProjectName(u.project):
		return fmt.Errorf("%q is not a valid Pages project name", u.project)
	case account == "" || getenv(cloudflare.EnvToken) == "":
		return fmt.Errorf("set %s and %s: this command reads them from the environment alone", envAccount, cloudflare.EnvToken)
	case !cloudflare.IsAccountID(account):
		return fmt.Errorf("%s: %q is not 32 hexadecimal digits", envAccount, account)
	}
	if u.client, err = cloudflare.NewClient(account, getenv, &http.Client{Transport: transport}, u.log); err != nil {
		return err
	}
	return u.start(ctx)
}

// Shrink deletes just enough deployments of a project, whoever made them, for Cloudflare to delete
// the project.
func Shrink(ctx context.Context, client *cloudflare.Client, project string) error {
	u := undeployer{client: client, project: project, others: true, most: maxDeployments, log: io.Discard}
	return u.start(ctx)
}

func (u *undeployer) start(ctx context.Context) error {
	project, err := u.client.Project(ctx, u.project)
	if err != nil {
		return fmt.Errorf("reading the Pages project %s: %w", u.project, err)
	}
	u.deleted, u.kept = map[string]bool{}, map[string]bool{}
	if live := project.CanonicalDeployment; live != nil {
		u.kept[live.ID] = true
	}
	if err := u.findOwners(ctx, project); err != nil {
		return err
	}
	return u.shrink(ctx)
}

// findOwners reads the owners of the Workers that the project is bound to. A deployment with
// the mark of one of them is the stack's.
func (u *undeployer) findOwners(ctx context.Context, project cloudflare.Project) error {
	u.unknown = errors.New("the project is bound to no Worker with the variable " + varOwner)
	for _, name := range project.BoundTo() {
		script, err := u.client.Script(ctx, name)
		switch {
		case rest.StatusIs(err, http.StatusForbidden):
			u.unknown = err
		case err != nil && !cloudflare.IsNotFound(err):
			return fmt.Errorf("reading the Worker %s, which the Pages project %s is bound to: %w", name, u.project, err)
		case script.Var(varOwner) != "":
			u.owners = append(u.owners, script.Var(varOwner))
		}
	}
	if len(u.owners) > 0 {
		u.unknown = nil
		return nil
	}
	u.unknown = fmt.Errorf("which deployments are this stack's is not known, so none counts as such: %w", u.unknown)
	fmt.Fprintln(u.log, u.unknown)
	return nil
}

// shrink deletes deployments until at most u.most are left and Cloudflare lists none that it
// has deleted.
func (u *undeployer) shrink(ctx context.Context) error {
	start, pause := time.Now(), time.Second
	for {
		listed, err := u.list(ctx)
		if err != nil {
			return err
		}
		left := slices.DeleteFunc(slices.Clone(listed), func(d cloudflare.Deployment) bool { return u.deleted[d.ID] })
		lag := len(listed) - len(left)
		switch {
		case len(left) > u.most:
			if err := u.delete(ctx, left); err != nil {
				return err
			}
			continue
		case lag > 0 && time.Since(start) < lagTime:
			fmt.Fprintf(u.log, "waiting: Cloudflare still lists %d deleted deployments\n", lag)
		default:
			fmt.Fprintf(u.log, "deployments of the Pages project %s: %d deleted, %d left, with which Cloudflare deletes it: run `pulumi destroy` again\n",
				u.project, len(u.deleted), len(left))
			return nil
		}
		if err := rest.Sleep(ctx, pause); err != nil {
			return fmt.Errorf("waiting for the deployments of the Pages project %s to go: %w; run it again", u.project, err)
		}
		pause = min(2*pause, maxPause)
	}
}

// list returns all deployments, the newest first.
func (u *undeployer) list(ctx context.Context) ([]cloudflare.Deployment, error) {
	all, err := u.client.AllDeployments(ctx, u.project)
	if err != nil {
		return nil, fmt.Errorf("listing the deployments of the Pages project %s: %w", u.project, err)
	}
	return all, nil
}

// delete deletes as many deployments as have to go. If too few of them may go, it deletes none.
func (u *undeployer) delete(ctx context.Context, left []cloudflare.Deployment) error {
	var ours, theirs []cloudflare.Deployment
	for _, d := range slices.Backward(left) {
		switch {
		case u.kept[d.ID]:
		case slices.ContainsFunc(u.owners, func(owner string) bool { return IsOurs(d, owner) }):
			ours = append(ours, d)
		default:
			theirs = append(theirs, d)
		}
	}
	may := ours
	if u.others {
		may = append(may, theirs...)
	}
	excess := len(left) - u.most
	if len(may) < excess {
		err := fmt.Errorf("the Pages project %s has %d deployments, and Cloudflare deletes it with at most %d: %d more have to go, of which this stack made %d, "+
			"and none was deleted: to delete those of others too, run `bin/portfolio undeploy -others %s`",
			u.project, len(left), u.most, excess, min(excess, len(ours)), u.project)
		if u.unknown != nil {
			err = fmt.Errorf("%w (%w)", err, u.unknown)
		}
		return err
	}
	for _, d := range may[:excess] {
		switch err := u.client.DeleteDeployment(ctx, u.project, d.ID); {
		case cloudflare.IsActiveDeployment(err):
			u.kept[d.ID] = true // it became live meanwhile
		case err != nil:
			return fmt.Errorf("deleting a deployment of the Pages project %s: %w", u.project, err)
		default:
			u.deleted[d.ID] = true
		}
		if n := len(u.deleted); n > 0 && n%cloudflare.DeploymentsPerPage == 0 {
			fmt.Fprintf(u.log, "%d deleted\n", n)
		}
	}
	return nil
}
