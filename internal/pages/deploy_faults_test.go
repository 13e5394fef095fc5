package pages

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"portfolio-infra/internal/cloudflare"
	"portfolio-infra/internal/sandbox/emulator/faultlist"
)

// deploy runs a command: deploy, or an undeploy that leaves one deployment.
func (s *site) deploy(verb string) error {
	s.Helper()
	if verb == "undeploy" {
		return s.undeploy(1, false)
	}
	s.request.Digest = mustRead(s, Folder{Site: s.request.Site}).Digest
	_, err := s.command(s.Context(), verb, jsonOf(s, s.request))
	return err
}

// deployments returns the IDs of the project's deployments, the newest first, and which one
// is live.
func (s *site) deployments() (ids []string, live string) {
	s.Helper()
	for page := 1; len(ids) == (page-1)*cloudflare.DeploymentsPerPage; page++ {
		var list struct{ Result []struct{ ID string } }
		if err := json.Unmarshal([]byte(s.Call("GET", fmt.Sprintf("/pages/projects/site/deployments?page=%d", page), "")), &list); err != nil {
			s.Fatal(err)
		}
		for _, d := range list.Result {
			ids = append(ids, d.ID)
		}
	}
	if site, ok, err := s.Cloud.Site("site"); err != nil {
		s.Fatal(err)
	} else if ok {
		live = site.Deployment
	}
	return ids, live
}

// operation is a command that meets faults.
type operation struct {
	name, verb string
	before     func(*site)
	want       int // deployments in the end, of which the newest is live
}

func deployOnce(s *site) {
	if err := s.deploy("deploy"); err != nil {
		s.Fatal(err)
	}
}

var operations = []operation{
	{"deploy", "deploy", func(*site) {}, 1},
	{"deploy again", "deploy", deployOnce, 1},
	{"deploy other settings", "deploy", func(s *site) { deployOnce(s); s.request.Settings = "other" }, 2},
	{"undeploy", "undeploy", func(s *site) {
		s.bind("api", owner)
		for _, s.request.Settings = range []string{"a", "b", "c"} {
			deployOnce(s)
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
				s := newSite(t, folder)
				op.before(s)
				s.Net.Set(faultlist.Plan{})
				if err := s.deploy(op.verb); err != nil {
					t.Fatal(err)
				}
				return s.Net.Calls()
			},
			Begin: func(t *testing.T) func(faultlist.Plan) *faultlist.Case {
				return func(plan faultlist.Plan) *faultlist.Case { return op.meets(newSite(t, folder), plan) }
			},
		})
	}
	suite.Run(t, all)
}

// meets runs the operation with a fault and twice without.
func (op operation) meets(s *site, plan faultlist.Plan) *faultlist.Case {
	op.before(s)
	s.Net.Set(plan)
	err := s.deploy(op.verb)
	c := &faultlist.Case{Err: err, Calls: s.Net.Calls(), Said: s.progress.String()}
	ids, live := s.deployments()
	switch {
	case err == nil && (len(ids) != op.want || ids[0] != live):
		c.Problem("a success with %d deployments, %q is live", len(ids), live)
	case err != nil && !strings.Contains(err.Error(), "Pages project site"):
		c.Problem("the error does not name the project")
	}
	s.Net.Set(faultlist.Plan{})
	s.Net.OnCall = func(call faultlist.Call) {
		if call.Kind != "POST /pages/assets/upload" {
			return
		}
		for _, key := range regexp.MustCompile(`"key":"([0-9a-f]+)"`).FindAllStringSubmatch(call.Sent, -1) {
			if f, err := s.Cloud.Asset(key[1]); err == nil {
				_ = f.Close()
				c.Problem("%s is uploaded twice", key[1])
			}
		}
	}
	for range 2 {
		if err := s.deploy(op.verb); err != nil {
			c.Problem("the next run: %v", err)
		}
	}
	ids, live = s.deployments()
	if c.Converged = len(ids) == op.want && ids[0] == live; !c.Converged {
		c.Problem("in the end %d deployments, %q is live", len(ids), live)
	}
	return c
}
