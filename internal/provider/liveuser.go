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

// makeUser creates a SQL user. A name exists once on a cluster, so nothing can be
// made twice; after an ambiguous answer a look tells whether it is there, and then it
// gets this run's password for sure.
func makeUser(ctx context.Context, api *tidbcloud.Client, state SQLUserState) error {
	_, err := api.CreateSQLUser(ctx, state.ClusterID, tidbcloud.CreateSQLUserRequest{Name: state.Name, Password: state.Password, Role: state.role()})
	if !rest.Ambiguous(err) {
		return err
	}
	for _, wait := range []time.Duration{time.Second, 3 * time.Second} {
		if rest.Sleep(ctx, wait) != nil {
			break
		}
		if live, lookErr := api.FindSQLUser(ctx, state.ClusterID, state.FullName); lookErr == nil && live != nil {
			return api.UpdateSQLUser(ctx, state.ClusterID, state.FullName, tidbcloud.UpdateSQLUserRequest{Password: state.Password, Role: state.role()})
		}
	}
	return fmt.Errorf("%w; the user is not to be seen so far, and the next `pulumi up` looks again", err)
}

// conflictingUser refuses an existing SQL user that is neither ours nor to be adopted.
func conflictingUser(resource string, cluster *tidbcloud.Cluster, state SQLUserState) error {
	owner := text(state.Owner)
	ours := owner != "" && cluster.Labels[OwnerLabel] == owner && cluster.Labels[MakerLabel] == owner
	adopt := state.Adopt != nil && *state.Adopt
	if ours || adopt {
		return nil
	}
	return fmt.Errorf("SQL user %q exists already on cluster %s and is left untouched; to manage it here, run `pulumi import tidbcloud:index:SqlUser %s %s` "+
		"or set adopt: true (both give it a new password), or choose another name; if an interrupted run of this stack made it, "+
		"set adopt: true for one run (in this repository `pulumi config set adopt true`)", state.FullName, cluster, resource, state.id())
}

// foresee tells in a preview what a run would fail for. What cannot be known yet is
// right for now.
func (u *SQLUser) foresee(ctx context.Context, api *tidbcloud.Client, resource string, state SQLUserState) error {
	if _, ours := u.known.Load(state.id()); ours || state.ClusterID == "" {
		return nil
	}
	cluster, err := find(ctx, api, state.ClusterID)
	var existing *tidbcloud.SQLUser
	if err == nil && cluster != nil && cluster.UserPrefix != "" {
		state.FullName = tidbcloud.FullName(cluster.UserPrefix, state.Name)
		if err := state.fits(); err != nil {
			return err
		}
		existing, err = u.lists.find(ctx, api, state.ClusterID, state.FullName)
	}
	switch {
	case err != nil:
		p.GetLogger(ctx).Warningf("not looking for a SQL user %q that is in the way: %v", state.Name, err)
		return nil
	case existing == nil:
		return nil
	}
	return conflictingUser(resource, cluster, state)
}

// drift notes in what respects a live user is not as recorded or wanted. It is a help
// and never an error: what keeps it from looking is said.
func (u *SQLUser) drift(ctx context.Context, d *differ, recorded SQLUserState, want SQLUserArgs) {
	log := p.GetLogger(ctx)
	api, err := u.connect()
	var live *tidbcloud.SQLUser
	if err == nil {
		live, err = u.lists.find(ctx, api, want.ClusterID, recorded.FullName)
	}
	switch {
	case err != nil:
		log.Warningf("going by the recorded state of SQL user %q: %v", recorded.FullName, err)
	case live == nil:
		log.Warningf("SQL user %q no longer exists: it will be made anew, with another password", recorded.FullName)
		d.drift("fullName")
	case recorded.liveRole(live) != want.role() && !d.has("role"):
		log.Warningf("SQL user %q was changed outside of Pulumi: its role is %s", recorded.FullName, live.Role)
		d.drift("role")
	}
	if live == nil {
		return
	}
	if recorded.Host == "" {
		d.drift("host") // a state of an earlier version, which no login can be tried with
	}
	if !d.has("password") && !d.has("rotation") && u.loginRefused(ctx, recorded) {
		log.Warningf("SQL user %q cannot log in with the recorded password: it will get another one", recorded.FullName)
		d.drift("password")
	}
}

// loginLag is how long a new password may take to be known; until then a refused login
// is no reason for another one, which would take as long. Assumed: TiDB Cloud tells none.
const loginLag = 10 * time.Minute

// loginRefused tells whether the server refuses the recorded login, twice. Where no login
// can be tried it does not, nor while the password is a new one.
func (u *SQLUser) loginRefused(ctx context.Context, recorded SQLUserState) bool {
	if recorded.Host == "" || recorded.Port == 0 || recorded.Password == "" {
		return false
	}
	err := u.sql.glance(ctx, recorded.login(), nil)
	if deniedLogin(err) && rest.Sleep(ctx, time.Second) == nil {
		err = u.sql.glance(ctx, recorded.login(), nil)
	}
	set, unknown := time.Parse(time.RFC3339, recorded.PasswordSetAt)
	switch age := time.Since(set); {
	case err == nil:
	case !deniedLogin(err):
		p.GetLogger(ctx).Warningf("not trying whether SQL user %q can log in: %v", recorded.FullName, err)
	case unknown == nil && age < loginLag:
		p.GetLogger(ctx).Warningf("SQL user %q cannot log in, with a password that is %s old and may not be known yet; if that stays so, it gets another one after %s",
			recorded.FullName, age.Round(time.Second), loginLag)
	default:
		return true
	}
	return false
}

// await waits until a new login works, which may take minutes: what comes next in this
// run needs it.
func (u *SQLUser) await(ctx context.Context, state SQLUserState) {
	err := u.sql.glance(ctx, state.login(), nil)
	if refusedLogin(err) {
		var db *sql.DB
		if db, err = u.sql.open(ctx, state.login(), loginPatience); err == nil {
			_ = db.Close()
		}
	}
	if err != nil {
		p.GetLogger(ctx).Warningf("SQL user %q has its new password, but its login could not be tried: %v", state.FullName, err)
	}
}

// clusterSeen tells whether the cluster of a user that is not to be seen is. If it is
// not, the error says so where that is for a key of another organization.
func (u *SQLUser) clusterSeen(ctx context.Context, api *tidbcloud.Client, state SQLUserState) (bool, error) {
	cluster, err := find(ctx, api, state.ClusterID)
	if err != nil || cluster != nil || state.Organization == "" {
		return cluster != nil, err
	}
	return false, absent(ctx, api, state.ClusterID, state.Organization)
}

// setPassword gives the user a new password.
func (s *SQLUserState) setPassword() {
	s.Password, s.PasswordSetAt = newPassword(), time.Now().UTC().Format(time.RFC3339)
}

// on notes where a user's cluster is.
func (s *SQLUserState) on(cluster *tidbcloud.Cluster) {
	keep(&s.Host, cluster.Host)
	keep(&s.Port, cluster.Port)
	keep(&s.Organization, cluster.Labels[tidbcloud.LabelOrganization])
}

// liveRole is a live user's role: the recorded one if the API leaves it out.
func (s SQLUserState) liveRole(live *tidbcloud.SQLUser) tidbcloud.Role {
	if live.Role == "" {
		return s.role()
	}
	return live.Role
}

// fits refuses a full name that is too long.
func (s SQLUserState) fits() error {
	if len(s.FullName) <= maxUserName {
		return nil
	}
	return fmt.Errorf("creating SQL user %q: with the cluster's prefix the name is %d characters long; %d are allowed, so shorten it by %d",
		s.FullName, len(s.FullName), maxUserName, len(s.FullName)-maxUserName)
}

func (s SQLUserState) login() login {
	return login{host: s.Host, port: s.Port, user: s.FullName, password: s.Password}
}

// identify begins an import by an id of the form clusterId/name.
func identify(ctx context.Context, api *tidbcloud.Client, id string) (SQLUserArgs, SQLUserState, error) {
	clusterID, name, ok := strings.Cut(id, "/")
	if !ok || clusterID == "" || name == "" || strings.Contains(name, "/") {
		return SQLUserArgs{}, SQLUserState{}, fmt.Errorf("%q is not the id of a SQL user: write clusterId/name, the name without the cluster's prefix", id)
	}
	cluster, err := find(ctx, api, clusterID)
	if err != nil {
		return SQLUserArgs{}, SQLUserState{}, err
	}
	if cluster == nil {
		return SQLUserArgs{}, SQLUserState{}, fmt.Errorf("cluster %s does not exist, or not in the API key's organization", clusterID)
	}
	rotation := importedRotation
	args := SQLUserArgs{ClusterID: clusterID, Name: name, Rotation: &rotation}
	return args, SQLUserState{SQLUserArgs: args, FullName: tidbcloud.FullName(cluster.UserPrefix, name)}, nil
}

// findUser returns a SQL user, or nil if it or its cluster is gone. What the API
// answers about users of a missing cluster is not documented, so the cluster itself
// is asked for.
func findUser(ctx context.Context, api *tidbcloud.Client, clusterID, fullName string) (*tidbcloud.SQLUser, error) {
	live, err := api.FindSQLUser(ctx, clusterID, fullName)
	if err == nil || rest.Retryable(err) {
		return live, err
	}
	if cluster, lookErr := find(ctx, api, clusterID); lookErr == nil && (cluster == nil || cluster.State.Deleting()) {
		return nil, nil
	}
	return nil, err
}
