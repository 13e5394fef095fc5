package pages

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"portfolio-infra/internal/cloudflare"
	emulated "portfolio-infra/internal/sandbox/emulator/cloudflare"
	"portfolio-infra/internal/sandbox/emulator/cloudflare/cloudflaretest"
	"portfolio-infra/internal/sandbox/emulator/faultlist"
)

// emulation is a site and an emulated account that has the Pages project "site".
type emulation struct {
	*testing.T
	*cloudflaretest.Account
	request  DeployRequest
	progress bytes.Buffer
}

func newEmulation(t *testing.T, folder string) *emulation {
	t.Helper()
	e := &emulation{T: t, Account: cloudflaretest.New(t, &emulated.Cloud{DeployTime: 2 * time.Second})}
	e.request = DeployRequest{AccountID: account, Project: "site", Owner: owner, Site: folder}
	e.CreateProject("site", "main")
	return e
}

// run runs a command: deploy, or an undeploy that leaves one deployment.
func (e *emulation) run(verb string) error {
	e.Helper()
	if verb == "undeploy" {
		return e.undeploy(1, false)
	}
	s, err := Read(e.Context(), Folder{Site: e.request.Site})
	if err != nil {
		e.Fatal(err)
	}
	e.request.Digest = s.Digest
	in, err := json.Marshal(e.request)
	if err != nil {
		e.Fatal(err)
	}
	env := map[string]string{cloudflare.EnvToken: apiToken}
	return run(e.Context(), verb, bytes.NewReader(in), &bytes.Buffer{}, &e.progress, func(name string) string { return env[name] }, e.Net)
}

// deployments returns the IDs of the project's deployments, the newest first, and which one
// is live.
func (e *emulation) deployments() (ids []string, live string) {
	e.Helper()
	for page := 1; len(ids) == (page-1)*cloudflare.DeploymentsPerPage; page++ {
		var list struct{ Result []struct{ ID string } }
		if err := json.Unmarshal([]byte(e.Call("GET", fmt.Sprintf("/pages/projects/site/deployments?page=%d", page), "")), &list); err != nil {
			e.Fatal(err)
		}
		for _, d := range list.Result {
			ids = append(ids, d.ID)
		}
	}
	if site, ok, err := e.Cloud.Site("site"); err != nil {
		e.Fatal(err)
	} else if ok {
		live = site.Deployment
	}
	return ids, live
}

// operation is a command that meets faults.
type operation struct {
	name, verb string
	before     func(*emulation)
	want       int // deployments in the end, of which the newest is live
}

func deployOnce(e *emulation) {
	if err := e.run("deploy"); err != nil {
		e.Fatal(err)
	}
}

var operations = []operation{
	{"deploy", "deploy", func(*emulation) {}, 1},
	{"deploy again", "deploy", deployOnce, 1},
	{"deploy other settings", "deploy", func(e *emulation) { deployOnce(e); e.request.Settings = "other" }, 2},
	{"undeploy", "undeploy", func(e *emulation) {
		e.bound("api", owner)
		for _, e.request.Settings = range []string{"a", "b", "c"} {
			deployOnce(e)
		}
	}, 1},
}

// Whatever call fails in whatever way and however often, the next run leaves the site
// deployed once, and uploads nothing that is stored.
func TestDeploy_Faults(t *testing.T) {
	folder := files{"index.html": "hello", "style.css": "a{}"}.site(t)
	t.Setenv("PATH", t.TempDir()) // no git: thousands of processes
	var all []faultlist.Operation
	for _, op := range operations {
		all = append(all, faultlist.Operation{
			Name: op.name,
			Calls: func(t *testing.T) []faultlist.Call {
				e := newEmulation(t, folder)
				op.before(e)
				e.Net.Set(faultlist.Plan{})
				if err := e.run(op.verb); err != nil {
					t.Fatal(err)
				}
				return e.Net.Calls()
			},
			Begin: func(t *testing.T) func(faultlist.Plan) *faultlist.Case {
				return func(plan faultlist.Plan) *faultlist.Case { return op.meets(newEmulation(t, folder), plan) }
			},
		})
	}
	suite.Run(t, all)
}

// meets runs the operation with a fault and twice without.
func (op operation) meets(e *emulation, plan faultlist.Plan) *faultlist.Case {
	op.before(e)
	e.Net.Set(plan)
	err := e.run(op.verb)
	c := &faultlist.Case{Err: err, Calls: e.Net.Calls(), Said: e.progress.String()}
	ids, live := e.deployments()
	switch {
	case err == nil && (len(ids) != op.want || ids[0] != live):
		c.Problem("a success with %d deployments, %q is live", len(ids), live)
	case err != nil && !strings.Contains(err.Error(), "Pages project site"):
		c.Problem("the error does not name the project")
	}
	e.Net.Set(faultlist.Plan{})
	e.Net.OnCall = func(call faultlist.Call) {
		if call.Kind != "POST /pages/assets/upload" {
			return
		}
		for _, key := range regexp.MustCompile(`"key":"([0-9a-f]+)"`).FindAllStringSubmatch(call.Sent, -1) {
			if f, err := e.Cloud.Asset(key[1]); err == nil {
				_ = f.Close()
				c.Problem("%s is uploaded twice", key[1])
			}
		}
	}
	for range 2 {
		if err := e.run(op.verb); err != nil {
			c.Problem("the next run: %v", err)
		}
	}
	ids, live = e.deployments()
	if c.Converged = len(ids) == op.want && ids[0] == live; !c.Converged {
		c.Problem("in the end %d deployments, %q is live", len(ids), live)
	}
	return c
}
