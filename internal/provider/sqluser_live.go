package provider

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	p "github.com/pulumi/pulumi-go-provider"

	"portfolio-infra/internal/rest"
	"portfolio-infra/internal/tidbcloud"
)

// createUser creates a SQL user. Names are unique on a cluster, so after an ambiguous result
// it reads whether the user exists, and then makes sure of its password.
func createUser(ctx context.Context, api *tidbcloud.Client, state SQLUserState) error {
	_, err := api.CreateSQLUser(ctx, state.ClusterID, tidbcloud.CreateSQLUserRequest{Name: state.Name, Password: state.Password, Role: state.role()})
	if !rest.Ambiguous(err) {
		return err
	}
	for _, wait := range []time.Duration{time.Second, 3 * time.Second} {
		if rest.Sleep(ctx, wait) != nil {
			break
		}
		if live, readErr := api.FindSQLUser(ctx, state.ClusterID, state.FullName); readErr == nil && live != nil {
			return adoptUser(ctx, api, state)
		}
	}
	return fmt.Errorf("%w; the user was not found so far, and the next `pulumi up` looks again", err)
}

// adoptUser gives an existing SQL user this run's password and role.
func adoptUser(ctx context.Context, api *tidbcloud.Client, state SQLUserState) error {
	return api.UpdateSQLUser(ctx, state.ClusterID, state.FullName, tidbcloud.UpdateSQLUserRequest{Password: state.Password, Role: state.role()})
}

// checkUserOwner refuses an existing SQL user that is neither ours nor to be adopted.
func checkUserOwner(resource string, cluster *tidbcloud.Cluster, state SQLUserState) error {
	owner := text(state.Owner)
	ours := owner != "" && cluster.Labels[OwnerLabel] == owner && cluster.Labels[MadeForLabel] == owner
	if ours || state.Adopt != nil && *state.Adopt {
		return nil
	}
	return fmt.Errorf("SQL user %q exists already on cluster %s and was left unchanged; to manage it here, run `pulumi import tidbcloud:index:SqlUser %s %s` "+
		"or set adopt: true (both give it a new password), or choose another name; if an interrupted run of this stack created it, "+
		"set adopt: true for one run (in this repository `pulumi config set adopt true`)", state.FullName, cluster, resource, state.id())
}

// previewCreate returns the error that a run would fail with, as far as reads can show.
func (u *SQLUser) previewCreate(ctx context.Context, api *tidbcloud.Client, resource string, state SQLUserState) error {
	if _, ours := u.known.Load(state.id()); ours || state.ClusterID == "" {
		return nil
	}
	cluster, err := findCluster(ctx, api, state.ClusterID)
	var existing *tidbcloud.SQLUser
	if err == nil && cluster != nil && cluster.UserPrefix != "" {
		if err := state.setCluster(cluster); err != nil {
			return err
		}
		existing, err = u.lists.find(ctx, api, state.ClusterID, state.FullName)
	}
	if err != nil {
		p.GetLogger(ctx).Warningf("not checking for an existing SQL user %q: %v", state.Name, err)
		return nil
	}
	if existing == nil {
		return nil
	}
	return checkUserOwner(resource, cluster, state)
}

// diffLive adds how a live user differs from the recorded or wanted one. It never fails: it
// warns about what it could not read.
func (u *SQLUser) diffLive(ctx context.Context, d *differ, recorded SQLUserState, want SQLUserArgs) {
	log := p.GetLogger(ctx)
	api, err := u.connect()
	var live *tidbcloud.SQLUser
	if err == nil {
		live, err = u.lists.find(ctx, api, want.ClusterID, recorded.FullName)
	}
	switch {
	case err != nil:
		log.Warningf("using the recorded state of SQL user %q: %v", recorded.FullName, err)
		return
	case live == nil:
		log.Warningf("SQL user %q no longer exists: it will be created again, with a new password", recorded.FullName)
		d.drift("fullName")
		return
	case recorded.liveRole(live) != want.role() && !d.has("role"):
		log.Warningf("SQL user %q was changed outside of Pulumi: its role is %s", recorded.FullName, live.Role)
		d.drift("role")
	}
	if recorded.Host == "" {
		d.drift("host") // a state of an earlier version, without what a login needs
	}
	if !d.has("password") && !d.has("rotation") && u.loginRefused(ctx, recorded) {
		log.Warningf("SQL user %q cannot log in with the recorded password: it will get a new one", recorded.FullName)
		d.drift("password")
	}
}

// loginLag is how long a new password may take to be accepted (assumed: TiDB Cloud does not
// say). Until then a refused login is no reason for another password, which would take as
// long.
const loginLag = 10 * time.Minute

// loginRefused reports whether the server refuses the recorded login twice. It does not if
// it cannot try, or while the password is new.
func (u *SQLUser) loginRefused(ctx context.Context, recorded SQLUserState) bool {
	if recorded.Host == "" || recorded.Port == 0 || recorded.Password == "" {
		return false
	}
	err := u.sql.probe(ctx, recorded.login(), nil)
	if loginDenied(err) && rest.Sleep(ctx, time.Second) == nil {
		err = u.sql.probe(ctx, recorded.login(), nil)
	}
	setAt, parseErr := time.Parse(time.RFC3339, recorded.PasswordSetAt)
	switch age := time.Since(setAt); {
	case err == nil:
	case !loginDenied(err):
		p.GetLogger(ctx).Warningf("not checking whether SQL user %q can log in: %v", recorded.FullName, err)
	case parseErr == nil && age < loginLag:
		p.GetLogger(ctx).Warningf("SQL user %q cannot log in yet with its %s old password; if that does not change, it gets another one after %s",
			recorded.FullName, age.Round(time.Second), loginLag)
	default:
		return true
	}
	return false
}

// waitForLogin waits until a new login works, which may take minutes: the rest of this run
// needs it.
func (u *SQLUser) waitForLogin(ctx context.Context, state SQLUserState) {
	err := u.sql.probe(ctx, state.login(), nil)
	if loginUnknown(err) {
		err = u.sql.connect(ctx, state.login(), func(*sql.DB) error { return nil })
	}
	if err != nil {
		p.GetLogger(ctx).Warningf("SQL user %q has its new password, but a login could not be verified: %v", state.FullName, err)
	}
}

// userClusterExists reports whether the cluster of a missing user exists. Its error says if
// the API key belongs to another organization.
func userClusterExists(ctx context.Context, api *tidbcloud.Client, state SQLUserState) (bool, error) {
	cluster, err := findCluster(ctx, api, state.ClusterID)
	if err != nil || cluster != nil || state.Organization == "" {
		return cluster != nil, err
	}
	return false, checkOrganization(ctx, api, state.ClusterID, state.Organization)
}

// setPassword sets a new password.
func (s *SQLUserState) setPassword() {
	s.Password, s.PasswordSetAt = newPassword(), time.Now().UTC().Format(time.RFC3339)
}

// setCluster sets what follows from a user's cluster. It refuses a name that is too long.
func (s *SQLUserState) setCluster(cluster *tidbcloud.Cluster) error {
	setIfKnown(&s.Host, cluster.Host)
	setIfKnown(&s.Port, cluster.Port)
	setIfKnown(&s.Organization, cluster.Labels[tidbcloud.LabelOrganization])
	if s.FullName == "" {
		s.FullName = tidbcloud.FullName(cluster.UserPrefix, s.Name)
	}
	if n := len(s.FullName); n > maxUserName {
		return fmt.Errorf("creating SQL user %q: with the cluster's prefix the name has %d characters; %d are allowed, so shorten it by %d",
			s.FullName, n, maxUserName, n-maxUserName)
	}
	return nil
}

// liveRole returns a live user's role, or the recorded one if the API leaves it out.
func (s SQLUserState) liveRole(live *tidbcloud.SQLUser) tidbcloud.Role {
	if live.Role == "" {
		return s.role()
	}
	return live.Role
}

func (s SQLUserState) login() login {
	return login{host: s.Host, port: s.Port, user: s.FullName, password: s.Password}
}

// importUser starts an import by an ID of the form clusterId/name.
func importUser(ctx context.Context, api *tidbcloud.Client, id string) (SQLUserState, error) {
	clusterID, name, ok := strings.Cut(id, "/")
	if !ok || clusterID == "" || name == "" || strings.Contains(name, "/") {
		return SQLUserState{}, fmt.Errorf("%q is not the ID of a SQL user: write clusterId/name, the name without the cluster's prefix", id)
	}
	cluster, err := findCluster(ctx, api, clusterID)
	if err == nil && cluster == nil {
		err = missingImport(clusterID)
	}
	if err != nil {
		return SQLUserState{}, err
	}
	rotation := importedRotation
	args := SQLUserArgs{ClusterID: clusterID, Name: name, Rotation: &rotation}
	return SQLUserState{SQLUserArgs: args, FullName: tidbcloud.FullName(cluster.UserPrefix, name)}, nil
}

// findUser returns a SQL user, or nil if it or its cluster is gone. The API's answer for the
// users of a missing cluster is not documented, so the cluster itself is read.
func findUser(ctx context.Context, api *tidbcloud.Client, clusterID, fullName string) (*tidbcloud.SQLUser, error) {
	live, err := api.FindSQLUser(ctx, clusterID, fullName)
	if err == nil || rest.Retryable(err) {
		return live, err
	}
	if cluster, readErr := findCluster(ctx, api, clusterID); readErr == nil && gone(cluster) {
		return nil, nil
	}
	return nil, err
}
