package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/icholy/digest"

	"portfolio-infra/internal/environment/mark"
	"portfolio-infra/internal/rest/resttest"
	"portfolio-infra/internal/sandbox/emulator"
	"portfolio-infra/internal/sandbox/emulator/cloudflare"
	"portfolio-infra/internal/sandbox/emulator/faultlist"
	"portfolio-infra/internal/sandbox/emulator/tidbcloud"
)

const (
	token      = "Zq7f3aW9c21e0-Xk_84hTm2Lp6Rv0Bn5Yd3Gs1Jw"
	privateKey = "private-7f3a-9c21-e0Xk"
	repository = "1234"
	neighbor   = "4321" // another repository that has the same accounts
	region     = "regions/aws-ap-northeast-1"
)

// owner returns the owner of an environment's stack.
func owner(repository string, n int) string {
	return mark.Owner(mark.Of(repository, n), "abcdefghijkl")
}

// world is both clouds, in memory.
type world struct {
	*testing.T
	cloudflare *cloudflare.Cloud
	tidbcloud  *tidbcloud.Cloud
	net        *faultlist.Transport

	stdout, stderr bytes.Buffer
}

func newWorld(t *testing.T) *world {
	w := &world{T: t, cloudflare: &cloudflare.Cloud{Token: token, DeployTime: -1},
		tidbcloud: &tidbcloud.Cloud{PublicKey: "PUBLIC1", PrivateKey: privateKey, CreateTime: -1, DeleteTime: 3 * time.Second, RateLimit: -1, NonceLifetime: 1000 * time.Hour}}
	w.net = &faultlist.Transport{Handler: w, Kind: kind}
	return w
}

// ServeHTTP is the [http.Handler] of both clouds.
func (w *world) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	if isCloudflare(r.URL.Path) {
		w.cloudflare.ServeHTTP(rw, r)
	} else {
		w.tidbcloud.ServeHTTP(rw, r)
	}
}

const account = "/client/v4/accounts/" + cloudflare.DefaultAccountID

func isCloudflare(path string) bool { return strings.HasPrefix(path, account) }

// kind is METHOD /path, with a star for each ID.
func kind(r *http.Request, _ []byte) string {
	if isCloudflare(r.URL.Path) {
		return r.Method + strings.TrimPrefix(r.URL.Path, account)
	}
	segments := strings.Split(strings.TrimPrefix(r.URL.Path, "/v1beta1"), "/")
	for i := 2; i < len(segments); i += 2 {
		segments[i] = "*"
	}
	return r.Method + strings.Join(segments, "/")
}

var environment = map[string]string{
	"CLOUDFLARE_API_TOKEN": token, "CLOUDFLARE_ACCOUNT_ID": cloudflare.DefaultAccountID,
	"TIDBCLOUD_PUBLIC_KEY": "PUBLIC1", "TIDBCLOUD_PRIVATE_KEY": privateKey, mark.EnvRepository: repository,
}

// run runs a command and returns its exit code.
func (w *world) run(ctx context.Context, stdin string, args ...string) int {
	w.stdout.Reset()
	w.stderr.Reset()
	return run(ctx, process{stdin: strings.NewReader(stdin), stdout: &w.stdout, stderr: &w.stderr,
		getenv: func(name string) string { return environment[name] }, transport: w.net, folder: "../.."}, args)
}

// ofCloudflare makes a call by hand.
func (w *world) ofCloudflare(method, path, contentType string, body []byte) {
	w.Helper()
	r := httptest.NewRequest(method, account+path, bytes.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", contentType)
	rec := httptest.NewRecorder()
	if w.cloudflare.ServeHTTP(rec, r); rec.Code != http.StatusOK {
		w.Fatal(method, path, rec.Body)
	}
}

// worker uploads a Worker that bears an owner, if there is one.
func (w *world) worker(name, owner string) {
	w.Helper()
	bindings := ""
	if owner != "" {
		bindings = fmt.Sprintf(`{"type":"plain_text","name":"PULUMI_STACK","text":%q}`, owner)
	}
	body, contentType := emulator.Form(
		emulator.Part{Name: "worker.js", Type: "application/javascript+module", Content: []byte("export default {}")},
		emulator.Part{Name: "metadata", Type: "application/json", Content: fmt.Appendf(nil, `{"main_module":"worker.js","bindings":[%s]}`, bindings)})
	w.ofCloudflare("PUT", "/workers/scripts/"+name, contentType, body)
}

// project makes a Pages project that is bound to those Workers.
func (w *world) project(name string, bound ...string) {
	w.Helper()
	w.ofCloudflare("POST", "/pages/projects", "application/json", fmt.Appendf(nil, `{"name":%q,"production_branch":"main"}`, name))
	for i, worker := range bound {
		w.ofCloudflare("PATCH", "/pages/projects/"+name, "application/json", fmt.Appendf(nil,
			`{"deployment_configs":{"production":{"services":{"API%d":{"service":%q,"environment":"production"}}}}}`, i, worker))
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
		body, contentType := emulator.Form(emulator.Part{Name: "manifest", Content: []byte("{}")},
			emulator.Part{Name: "branch", Content: []byte("main")}, emulator.Part{Name: "commit_message", Content: []byte(message)})
		w.ofCloudflare("POST", "/pages/projects/"+project+"/deployments", contentType, body)
	}
}

// ofTiDBCloud makes a call by hand.
func (w *world) ofTiDBCloud(method, path string, body any) map[string]any {
	w.Helper()
	sent, _ := json.Marshal(body)
	req, err := http.NewRequestWithContext(w.Context(), method, "https://tidbcloud.test/v1beta1"+path, bytes.NewReader(sent))
	if err != nil {
		w.Fatal(err)
	}
	client := http.Client{Transport: &digest.Transport{Username: "PUBLIC1", Password: privateKey, Transport: resttest.Transport(w.tidbcloud)}}
	resp, err := client.Do(req)
	if err != nil {
		w.Fatal(err)
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body)
	var answer map[string]any
	if json.Unmarshal(b, &answer) != nil || resp.StatusCode != http.StatusOK {
		w.Fatalf("%s %s: %d %s", method, path, resp.StatusCode, b)
	}
	return answer
}

// cluster makes a cluster with labels and returns its ID.
func (w *world) cluster(name, owner, madeFor string) string {
	w.Helper()
	labels := map[string]string{}
	for key, value := range map[string]string{labelOwner: owner, labelMadeFor: madeFor} {
		if value != "" {
			labels[key] = value
		}
	}
	return w.ofTiDBCloud("POST", "/clusters", map[string]any{"displayName": name, "region": map[string]any{"name": region}, "labels": labels,
		"spendingLimit": map[string]any{"monthly": 10}})["clusterId"].(string)
}

func (w *world) branch(cluster, name, owner string) string {
	w.Helper()
	annotations := map[string]string{}
	if owner != "" {
		annotations[labelOwner] = owner
	}
	return w.ofTiDBCloud("POST", "/clusters/"+cluster+"/branches", map[string]any{"displayName": name, "annotations": annotations})["branchId"].(string)
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
	w.worker(name+"-api", owner)
	w.project(name, name+"-api")
	w.deployed(1, name, owner)
	if cluster != "" {
		w.branch(cluster, owner, owner)
		return cluster
	}
	return w.cluster(name+"-db", owner, owner)
}

// all returns what is in both clouds, by kind and name, sorted.
func (w *world) all() (all []string) {
	for _, s := range w.cloudflare.Scripts() {
		all = append(all, "Worker "+s.Name)
	}
	for _, p := range w.cloudflare.Projects() {
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
