package provider_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/icholy/digest"

	"portfolio-infra/internal/rest/resttest"
	"portfolio-infra/internal/sandbox/emulator"
	"portfolio-infra/internal/sandbox/emulator/tidbcloud"
)

// The API key has characters that each encoding writes differently.
const (
	publicKey  = "PUBLIC1"
	privateKey = `private/key+"7f3a%&9c\21e0`
)

// bubbleStart is when the time of a [testing/synctest] bubble starts.
var bubbleStart = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// cloud is the emulated TiDB Cloud, with faults for the provider's calls and a log of them. Calls by
// hand bypass both.
type cloud struct {
	*tidbcloud.Cloud
	faults emulator.Faults
	// onCall, where set, is called before each call of the provider.
	onCall func(call string)
	// neighbor, where set, is another organization at the same address. Calls with its key get it.
	neighbor *tidbcloud.Cloud
	// createdAt, where set, is when clusters are created.
	createdAt time.Time

	mu       sync.Mutex
	calls    []string          // see kindOfCall
	sent     []string          // the bodies
	ids      []string          // of the clusters, in the order of creation
	branches []string          // IDs of the branches, likewise
	prefixes map[string]string // of their users
}

func newCloud() *cloud {
	c := &cloud{prefixes: map[string]string{}, Cloud: &tidbcloud.Cloud{PublicKey: publicKey, PrivateKey: privateKey,
		CreateTime: 9500 * time.Millisecond, DeleteTime: 3 * time.Second, RateLimit: -1, NonceLifetime: 1000 * time.Hour}}
	c.Now = func() time.Time {
		if !c.createdAt.IsZero() {
			return c.createdAt
		}
		return time.Now()
	}
	return c
}

func (c *cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") == "" { // the first half of a digest call
		c.Cloud.ServeHTTP(w, r)
		return
	}
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	call := kindOfCall(r, body)
	c.mu.Lock()
	c.calls, c.sent = append(c.calls, call), append(c.sent, string(body))
	c.mu.Unlock()
	if c.onCall != nil {
		c.onCall(call)
	}
	called := c.Cloud
	if c.neighbor != nil && strings.Contains(r.Header.Get("Authorization"), `username="`+c.neighbor.PublicKey+`"`) {
		called = c.neighbor
	}
	server := &emulator.Server{Handler: called, Log: &emulator.Log{}, Faults: &c.faults}
	defer c.remember()
	server.ServeHTTP(w, r)
}

// kindOfCall is METHOD /path with stars for names, and the mask of a PATCH.
func kindOfCall(r *http.Request, body []byte) string {
	segments := strings.Split(strings.TrimPrefix(r.URL.Path, "/v1beta1"), "/")
	for i := 2; i < len(segments); i += 2 {
		_, verb, reset := strings.Cut(segments[i], ":")
		if segments[i] = "*"; reset {
			segments[i] += ":" + verb
		}
	}
	kind := r.Method + " " + strings.Join(segments, "/")
	var patch struct{ UpdateMask string }
	if json.Unmarshal(body, &patch) == nil && patch.UpdateMask != "" {
		kind += " " + patch.UpdateMask
	}
	return kind
}

// fail sets the faults. Their paths are below /v1beta1.
func (c *cloud) fail(faults ...emulator.Fault) {
	for i := range faults {
		faults[i].Path = "/v1beta1" + faults[i].Path
	}
	if err := c.faults.Set(faults...); err != nil {
		panic(err)
	}
}

// called returns the calls since the last time.
func (c *cloud) called() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	calls := c.calls
	c.calls, c.sent = nil, nil
	return calls
}

// wrote returns the writes since the last time.
func (c *cloud) wrote() []string {
	return slices.DeleteFunc(c.called(), func(call string) bool { return strings.HasPrefix(call, "GET ") })
}

// byHand makes a call that is not the provider's, such as one of the console.
func (c *cloud) byHand(method, path string, body any) map[string]any {
	sent, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	req, err := http.NewRequest(method, "https://tidbcloud.test/v1beta1"+path, bytes.NewReader(sent))
	if err != nil {
		panic(err)
	}
	client := http.Client{Transport: &digest.Transport{Username: publicKey, Password: privateKey, Transport: resttest.Transport(c.Cloud)}}
	resp, err := client.Do(req)
	if err != nil {
		panic(err)
	}
	defer resp.Body.Close()
	var answer map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || resp.StatusCode != http.StatusOK {
		panic(fmt.Sprintf("%s %s: %d %v, %v", method, path, resp.StatusCode, answer, err))
	}
	c.remember()
	return answer
}

// add creates a cluster by hand at a time and returns its ID.
func (c *cloud) add(name, region string, labels map[string]string, at time.Time) string {
	c.createdAt = at
	defer func() { c.createdAt = time.Time{} }()
	return c.byHand("POST", "/clusters", map[string]any{
		"displayName": name, "region": map[string]any{"name": region}, "labels": labels})["clusterId"].(string)
}

// patch changes one field of a cluster by hand.
func (c *cloud) patch(id, mask string, value any) {
	path := strings.Split(mask, ".")
	for _, key := range slices.Backward(path) {
		value = map[string]any{key: value}
	}
	c.byHand("PATCH", "/clusters/"+id, map[string]any{"cluster": value, "updateMask": mask})
}

// hold holds a cluster in a state.
func (c *cloud) hold(id, state string) {
	if err := c.SetState(id, state); err != nil {
		panic(err)
	}
}

// first is the ID of the first cluster, 1001.
func (c *cloud) first() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ids[0]
}

// userPath is the path of a SQL user of the first cluster, by hand.
func (c *cloud) userPath(name string) string {
	return "/clusters/" + c.first() + "/sqlUsers/" + c.prefixes[c.first()] + "." + name
}

// addUser creates a SQL user of the first cluster by hand.
func (c *cloud) addUser(name, password, role string) {
	c.byHand("POST", "/clusters/"+c.first()+"/sqlUsers", map[string]any{
		"userName": name, "password": password, "builtinRole": role, "authMethod": "mysql_native_password", "autoPrefix": true})
}

// alive returns the clusters that are neither deleted nor being deleted.
func (c *cloud) alive() []tidbcloud.Cluster {
	return slices.DeleteFunc(c.Clusters(), func(x tidbcloud.Cluster) bool { return strings.HasPrefix(x.State, "DELET") })
}

// only returns the single cluster that is not being deleted.
func (c *cloud) only() tidbcloud.Cluster {
	alive := c.alive()
	if len(alive) != 1 {
		panic(fmt.Sprintf("%d clusters", len(alive)))
	}
	return alive[0]
}

// branchesOf returns the branches of a cluster that are not being deleted.
func (c *cloud) branchesOf(clusterID string) []tidbcloud.Branch {
	return slices.DeleteFunc(c.Branches(clusterID), func(b tidbcloud.Branch) bool { return b.State == "DELETED" })
}

// addBranch creates a branch of the first cluster by hand, and returns its ID.
func (c *cloud) addBranch(name string, annotations map[string]string) string {
	return c.byHand("POST", "/clusters/"+c.first()+"/branches", map[string]any{"displayName": name, "annotations": annotations})["branchId"].(string)
}

// users returns a cluster's SQL users and their roles, without root.
func (c *cloud) users(id string) map[string]string {
	users := map[string]string{}
	for _, u := range c.Users(id) {
		if !strings.HasSuffix(u.UserName, ".root") {
			users[c.short(u.UserName)] = c.short(u.BuiltinRole)
		}
	}
	return users
}

// remember notes the clusters that are new.
func (c *cloud) remember() {
	clusters := c.Clusters()
	var branches []tidbcloud.Branch
	for _, x := range clusters {
		branches = append(branches, c.Branches(x.ClusterID)...)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, b := range branches {
		if !slices.Contains(c.branches, b.BranchID) {
			c.branches = append(c.branches, b.BranchID)
		}
	}
	for _, x := range clusters {
		if !slices.Contains(c.ids, x.ClusterID) {
			c.ids = append(c.ids, x.ClusterID)
		}
		if x.UserPrefix != "" {
			c.prefixes[x.ClusterID] = x.UserPrefix
		}
	}
}

// short returns a text with 1001, 1002, ... for the clusters' IDs, b1, b2, ... for the branches', and p1001, p1002, ... for
// their user prefixes.
func (c *cloud) short(text string) string {
	c.remember()
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, id := range c.ids {
		text = strings.ReplaceAll(text, id, fmt.Sprint(1001+i))
		if prefix := c.prefixes[id]; prefix != "" {
			text = strings.ReplaceAll(text, prefix, fmt.Sprintf("p%d", 1001+i))
		}
	}
	for i, id := range c.branches {
		text = strings.ReplaceAll(text, id, fmt.Sprintf("b%d", i+1))
	}
	return text
}
