package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"portfolio-infra/internal/environment/mark"
	"portfolio-infra/internal/rest/resttest"
	"portfolio-infra/internal/sandbox/emulator/cloudflare"
	"portfolio-infra/internal/sandbox/emulator/cloudflare/cloudflaretest"
	"portfolio-infra/internal/sandbox/emulator/faultlist"
	emulated "portfolio-infra/internal/sandbox/emulator/tidbcloud"
	"portfolio-infra/internal/tidbcloud"
)

const (
	privateKey = "private-7f3a-9c21-e0Xk"
	repository = "1234"
	neighbor   = "4321" // another repository that has the same accounts
)

// owner returns the owner of an environment's stack.
func owner(repository string, n int) string {
	return mark.Owner(mark.Of(repository, n), "abcdefghijkl")
}

// world is both clouds, in memory.
type world struct {
	*testing.T
	*cloudflaretest.Account
	tidbcloud *emulated.Cloud
	net       *faultlist.Transport
	env       map[string]string

	stdout, stderr bytes.Buffer
}

func newWorld(t *testing.T) *world {
	w := &world{T: t, Account: cloudflaretest.New(t, &cloudflare.Cloud{DeployTime: -1}),
		tidbcloud: &emulated.Cloud{PublicKey: "PUBLIC1", PrivateKey: privateKey, CreateTime: -1, DeleteTime: 3 * time.Second, RateLimit: -1, NonceLifetime: 1000 * time.Hour},
		env: map[string]string{
			"CLOUDFLARE_API_TOKEN": cloudflaretest.Token, "CLOUDFLARE_ACCOUNT_ID": cloudflare.DefaultAccountID,
			"TIDBCLOUD_PUBLIC_KEY": "PUBLIC1", "TIDBCLOUD_PRIVATE_KEY": privateKey, mark.EnvRepository: repository,
		}}
	w.net = &faultlist.Transport{Handler: w, Kind: kind}
	return w
}

// ServeHTTP is the [http.Handler] of both clouds.
func (w *world) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	if isCloudflare(r.URL.Path) {
		w.Cloud.ServeHTTP(rw, r)
	} else {
		w.tidbcloud.ServeHTTP(rw, r)
	}
}

func isCloudflare(path string) bool { return strings.HasPrefix(path, "/client/v4/") }

// kind is METHOD /path, with a star for each ID.
func kind(r *http.Request, body []byte) string {
	if isCloudflare(r.URL.Path) {
		return cloudflaretest.Kind(r, body)
	}
	segments := strings.Split(strings.TrimPrefix(r.URL.Path, "/v1beta1"), "/")
	for i := 2; i < len(segments); i += 2 {
		segments[i] = "*"
	}
	return r.Method + " " + strings.Join(segments, "/")
}

// run runs a command and returns its exit code.
func (w *world) run(ctx context.Context, stdin string, args ...string) int {
	w.stdout.Reset()
	w.stderr.Reset()
	return run(ctx, process{stdin: strings.NewReader(stdin), stdout: &w.stdout, stderr: &w.stderr,
		getenv: func(name string) string { return w.env[name] }, transport: w.net, folder: "../.."}, args)
}

// verify runs `verify 7` with a state. It must succeed and say so, or else name on standard error
// what is left.
func (w *world) verify(state, says, err string) {
	w.Helper()
	code := w.run(w.Context(), state, "verify", "7")
	green := strings.HasSuffix("\n"+w.stdout.String(), "\nnothing is left\n")
	if !strings.Contains(w.stdout.String(), says) || !strings.Contains(w.stderr.String(), err) || code != min(1, len(err)) || green != (code == 0) {
		w.Errorf("%d: %s%s, want %q, %q", code, &w.stdout, &w.stderr, says, err)
	}
}

// same fails the test unless both clouds have what they had.
func (w *world) same(before []string) {
	w.Helper()
	if diff := cmp.Diff(before, w.all()); diff != "" {
		w.Error(diff)
	}
}

// inWorld runs a test in a bubble, in a world with a production.
func inWorld(t *testing.T, test func(w *world, production string)) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		test(w, w.production())
	})
}

// project makes a Pages project that is bound to those Workers.
func (w *world) project(name string, bound ...string) {
	w.Helper()
	w.CreateProject(name, "main")
	for i, worker := range bound {
		w.Configure(name, fmt.Sprintf(`{"production":{"services":{"API%d":{"service":%q,"environment":"production"}}}}`, i, worker))
	}
}

// deployed adds deployments to a project that bear an owner, or no mark if it is empty.
func (w *world) deployed(n int, project, owner string) {
	w.Helper()
	message := "by hand"
	if owner != "" {
		message = "a commit [pulumi " + owner + " 0123456789abcdef]"
	}
	for range n {
		w.Deploy(project, "main", message)
	}
}

// site makes a Worker and a project that is bound to it, with deployments, all of an owner.
func (w *world) site(name, owner string, deployments int) {
	w.Helper()
	w.UploadWorker(name+"-api", owner)
	w.project(name, name+"-api")
	w.deployed(deployments, name, owner)
}

// byHand is a client of TiDB Cloud that meets no fault.
func (w *world) byHand() *tidbcloud.Client {
	return &tidbcloud.Client{PublicKey: "PUBLIC1", PrivateKey: privateKey, Transport: resttest.Transport(w.tidbcloud)}
}

// cluster makes a cluster with labels and returns its ID.
func (w *world) cluster(name, owner, madeFor string) string {
	w.Helper()
	labels := map[string]string{labelOwner: owner, labelMadeFor: madeFor}
	for key, value := range labels {
		if value == "" {
			delete(labels, key)
		}
	}
	c, err := w.byHand().CreateCluster(w.Context(), tidbcloud.Cluster{DisplayName: name, Region: "regions/aws-ap-northeast-1", Labels: labels, SpendingLimit: 10})
	if err != nil {
		w.Fatal(err)
	}
	return c.ID
}

func (w *world) branch(cluster, name, owner string) {
	w.Helper()
	annotations := map[string]string{}
	if owner != "" {
		annotations[labelOwner] = owner
	}
	if _, err := w.byHand().CreateBranch(w.Context(), cluster, tidbcloud.Branch{DisplayName: name, Annotations: annotations}, "a-password-of-root"); err != nil {
		w.Fatal(err)
	}
}

// production makes what no environment of the repository owns: production, on the cluster that it
// returns, and the environments with the same numbers of another repository and of a stack that
// somebody made by hand.
func (w *world) production() (cluster string) {
	w.Helper()
	cluster = w.others("portfolio-prod", "portfolio-prod-abcdefghijkl", "")
	w.others("other-pr-7", owner(neighbor, 7), cluster)
	w.others("byhand-pr-7", "byhand-pr-7-abcdefghijkl", cluster)
	w.others("portfolio-pr-70", owner(neighbor, 70), cluster)
	return cluster
}

// others makes a stack with one of each. It has a branch of a cluster, or a cluster, which it
// returns.
func (w *world) others(name, owner, cluster string) string {
	w.Helper()
	w.site(name, owner, 1)
	if cluster != "" {
		w.branch(cluster, owner, owner)
		return cluster
	}
	return w.cluster(name+"-db", owner, owner)
}

// all returns what is in both clouds, by kind and name, sorted.
func (w *world) all() (all []string) {
	for _, s := range w.Cloud.Scripts() {
		all = append(all, "Worker "+s.Name)
	}
	for _, p := range w.Cloud.Projects() {
		all = append(all, fmt.Sprintf("project %s with %d", p.Name, len(p.Deployments)))
	}
	for _, c := range w.tidbcloud.Clusters() {
		all = append(all, "cluster "+c.DisplayName)
		for _, b := range w.tidbcloud.Branches(c.ClusterID) {
			all = append(all, "branch "+b.DisplayName)
		}
	}
	slices.Sort(all)
	return all
}
