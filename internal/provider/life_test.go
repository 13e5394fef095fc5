package provider_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/integration"
	"github.com/pulumi/pulumi/sdk/v3/go/property"

	"portfolio-infra/internal/provider"
	"portfolio-infra/internal/sandbox/emulator/faultlist"
)

// process is a provider process. A new run only configures it again, which takes far less time
// than another process and leaves nothing behind either.
type process struct {
	integration.Server
	net *faultlist.Transport // of the life that it serves
	log *logs
}

func newProcess(t *testing.T) *process {
	s := &process{log: &logs{}}
	s.Server = serve(s.log.in(t.Context()), t, provider.Options{Dial: anyLogin, Transport: roundTripper(func(r *http.Request) (*http.Response, error) { return s.net.RoundTrip(r) })})
	return s
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// life is one stack's cluster, SQL user and branch through its runs, with their cloud.
type life struct {
	*testing.T
	*cloud
	process       *process
	net           *faultlist.Transport
	log           *logs
	cluster, user *engine
	branch        *engine
	passwords     map[string]bool // all that were ever sent
}

func newLife(t *testing.T, s *process) *life {
	l := &life{T: t, process: s, cloud: newCloud(), log: s.log, passwords: map[string]bool{}}
	l.CreateTime, l.DeleteTime = 3*time.Second, time.Second
	l.net = &faultlist.Transport{Handler: l.Cloud, Kind: kindOfCall, OnCall: func(c faultlist.Call) {
		var body struct{ Password, RootPassword string }
		if json.Unmarshal([]byte(c.Sent), &body) == nil && body.Password+body.RootPassword != "" {
			l.passwords[body.Password+body.RootPassword] = true
		}
	}}
	l.cluster, l.user = &engine{t: t, typ: clusterType, log: l.log}, &engine{t: t, typ: userType, log: l.log}
	l.branch = &engine{t: t, typ: branchType, log: l.log}
	l.log.clear()
	l.nextRun(s)
	return l
}

// nextRun starts a run with a fault, and with the state of the last one.
func (l *life) nextRun(s *process, plan ...faultlist.Plan) {
	l.Helper()
	s.net = l.net
	if err := s.Configure(p.ConfigureRequest{Args: property.NewMap(keys)}); err != nil {
		l.Fatal(err)
	}
	l.cluster.Server, l.user.Server, l.branch.Server = s, s, s
	l.net.Set(append(plan, faultlist.Plan{})[0])
}

// The inputs of the two resources at first, and after a change.
func firstDB(*life) property.Map { return db(nil) }
func finalDB(*life) property.Map { return db(changed("displayName", "portfolio-db-2")) }
func takenDB(*life) property.Map { return adoptedDB(map[string]any{"displayName": "portfolio-db-2"}) }
func movedDB(*life) property.Map { return db(map[string]any{"region": virginia}) }

func firstAPI(l *life) property.Map { return api(l.cluster.id, nil) }

func finalAPI(l *life) property.Map {
	return api(l.cluster.id, map[string]any{"role": "role_readonly", "rotation": "2"})
}

func firstBranch(l *life) property.Map { return pr(l.cluster.id, nil) }
func resetBranch(l *life) property.Map {
	return pr(l.cluster.id, map[string]any{"resetToken": "2"})
}
func otherBranch(l *life) property.Map {
	return pr(l.cluster.id, map[string]any{"displayName": "pr-1b"})
}

// operation is what a run does to a resource.
type operation struct {
	name   string
	before func(*life)
	run    func(*life) error
	// cluster and user are what should exist in the end; nil is nothing.
	cluster, user func(*life) property.Map
	// keeps reports whether the cluster that was there before must stay.
	keeps bool
	// theirs reports whether somebody else made the cluster and its SQL user "theirs", so that
	// both outlive the stack.
	theirs bool
	// branch is the branch that should exist in the end; nil is none.
	branch func(*life) property.Map
}

func operations() []operation {
	up := func(e func(*life) *engine, inputs func(*life) property.Map) func(*life) error {
		return func(l *life) error { _, err := e(l).up(inputs(l)); return err }
	}
	refresh := func(e func(*life) *engine) func(*life) error {
		return func(l *life) error { _, err := e(l).refresh(); return err }
	}
	remove := func(e func(*life) *engine) func(*life) error {
		return func(l *life) error {
			if e(l).id == "" {
				return nil
			}
			return e(l).delete()
		}
	}
	cluster, user := func(l *life) *engine { return l.cluster }, func(l *life) *engine { return l.user }
	branch := func(l *life) *engine { return l.branch }
	nothing := func(*life) {}
	first := func(l *life) { l.cluster.steps(firstDB(l), "create") }
	final := func(l *life) { l.cluster.steps(finalDB(l), "create") }
	withUser := func(l *life) { first(l); l.user.steps(firstAPI(l), "create") }
	withBranch := func(l *life) { first(l); l.branch.steps(firstBranch(l), "create") }
	strangers := func(l *life) {
		l.add("portfolio-db-2", tokyo, nil, time.Now().Add(-time.Hour))
		l.addUser("theirs", "predates us", "role_admin")
	}
	taken := func(l *life) {
		strangers(l)
		l.cluster.steps(takenDB(l), "create")
		l.user.steps(firstAPI(l), "create")
	}
	return []operation{
		{"create cluster", nothing, up(cluster, finalDB), finalDB, nil, false, false, nil},
		{"adopt cluster", func(l *life) { first(l); l.cluster.forget() }, up(cluster, finalDB), finalDB, nil, true, false, nil},
		{"update cluster", first, up(cluster, finalDB), finalDB, nil, true, false, nil},
		{"leave cluster", final, up(cluster, finalDB), finalDB, nil, true, false, nil},
		{"refresh cluster", final, refresh(cluster), finalDB, nil, true, false, nil},
		{"replace cluster", final, up(cluster, movedDB), movedDB, nil, false, false, nil},
		{"delete cluster", final, remove(cluster), nil, nil, false, false, nil},
		{"create user", first, up(user, finalAPI), firstDB, finalAPI, true, false, nil},
		{"adopt user", func(l *life) { withUser(l); l.user.forget() }, up(user, finalAPI), firstDB, finalAPI, true, false, nil},
		{"update user", withUser, up(user, finalAPI), firstDB, finalAPI, true, false, nil},
		{"refresh user", withUser, refresh(user), firstDB, firstAPI, true, false, nil},
		{"delete user", withUser, remove(user), firstDB, nil, true, false, nil},
		{"enable endpoint", func(l *life) { first(l); switchedOff(l.cloud, l.cluster.id) }, up(cluster, firstDB), firstDB, nil, true, false, nil},
		{"adopt another's cluster", strangers, up(cluster, takenDB), takenDB, nil, true, true, nil},
		{"release cluster", taken, remove(cluster), nil, nil, true, true, nil},
		{"create branch", first, up(branch, firstBranch), firstDB, nil, true, false, firstBranch},
		{"adopt branch", func(l *life) { withBranch(l); l.branch.forget() }, up(branch, firstBranch), firstDB, nil, true, false, firstBranch},
		{"reset branch", withBranch, up(branch, resetBranch), firstDB, nil, true, false, resetBranch},
		{"leave branch", withBranch, up(branch, firstBranch), firstDB, nil, true, false, firstBranch},
		{"refresh branch", withBranch, refresh(branch), firstDB, nil, true, false, firstBranch},
		{"replace branch", withBranch, up(branch, otherBranch), firstDB, nil, true, false, otherBranch},
		{"delete branch", withBranch, remove(branch), firstDB, nil, true, false, nil},
	}
}
