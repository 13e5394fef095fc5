package pages

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"portfolio-infra/internal/cloudflare"
	"portfolio-infra/internal/rest/resttest"
	"portfolio-infra/internal/testcheck"
)

// The delete command of the resource deletes nothing, whatever state it runs from, and
// needs neither network nor token.
func TestRun_undeploy(t *testing.T) {
	request := jsonOf(t, DeployRequest{AccountID: account, Project: "site", Owner: owner, Site: "public", Digest: digest})
	for in, want := range map[string]string{
		request: "undeploy site`",
		strings.Replace(request, "{", `{"later":1,`, 1): "undeploy site`",
		`{"project":"$(id)"}`:                           "undeploy PROJECT`",
		"[]":                                            "undeploy PROJECT`",
		"":                                              "undeploy PROJECT`",
	} {
		out, said, err := runCommand(t, "undeploy", in, nil)
		if err != nil || out != "" || strings.Count(said, "\n") != 1 || !strings.Contains(said, want) {
			t.Errorf("%s: %v, %q, %q", in, err, out, said)
		}
	}
}

// bind binds the project to a Worker that bears an owner.
func (s *site) bind(worker, owner string) {
	s.Helper()
	s.UploadWorker(worker, owner)
	s.Configure("site", fmt.Sprintf(`{"production":{"services":{%q:{"service":%q,"environment":"production"}}}}`, strings.ToUpper(worker), worker))
}

// deployed adds deployments to a branch of the project, with that commit message.
func (s *site) deployed(n int, branch, message string) {
	s.Helper()
	for range n {
		s.Deploy("site", branch, message)
	}
}

func (s *site) undeploy(most int, others bool) error {
	u := &undeployer{project: "site", others: others, most: most, log: &s.progress}
	return u.run(s.Context(), vars{cloudflare.EnvToken: apiToken, envAccount: account}.get, s.Net)
}

const ours = "[pulumi " + owner + " 0123456789abcdef]"

func TestUndeploy(t *testing.T) {
	for _, tt := range []struct {
		name   string
		before func(*site)
		others bool
		want   string // the deployments that are gone, by number, the oldest first
		says   string
		err    string
	}{
		{"not too many", func(s *site) { s.bind("api", owner); s.deployed(100, "main", ours) }, false, "[]", "0 deleted, 100 left", ""},
		{"ours, the oldest first", func(s *site) {
			s.bind("api", owner)
			s.deployed(2, "feature", "theirs")
			s.deployed(101, "main", ours)
		}, false, "[2 3 4]", "deployments of the Pages project site: 3 deleted, 100 left", ""},
		{"ours before those of others", func(s *site) {
			s.bind("api", owner)
			s.deployed(100, "main", "theirs")
			s.deployed(3, "feature", ours)
			s.deployed(1, "main", ours)
		}, true, "[0 100 101 102]", "", ""},
		{"ours are not enough", func(s *site) {
			s.bind("api", owner)
			s.deployed(2, "feature", ours)
			s.deployed(101, "main", "[pulumi another-stack 0123456789abcdef]")
		}, false, "[]", "", "has 103 deployments, and Cloudflare deletes it with at most 100: 3 more have to go, of which this stack made 2, and none was deleted: " +
			"to delete those of others too, run `bin/portfolio undeploy -others site`"},
		{"ours, but for the live one", func(s *site) {
			s.bind("api", owner)
			s.deployed(1, "main", ours)
			s.deployed(100, "feature", "theirs")
		}, false, "[]", "", "-others"},
		{"the live one is the oldest", func(s *site) {
			s.bind("api", owner)
			s.deployed(1, "main", "theirs")
			s.deployed(101, "feature", "theirs")
		}, true, "[1 2]", "", ""},
		{"no Worker says whose they are", func(s *site) { s.deployed(101, "main", ours) }, false, "[]", "none counts as such", "-others site` (which deployments are this stack's is not known, so none counts as such: the project is bound to no Worker"},
		{"a Worker of an older version", func(s *site) { s.bind("api", ""); s.deployed(101, "main", ours) }, false, "[]", "none counts as such", "-others"},
		{"two Workers", func(s *site) {
			s.bind("auth", "another-stack")
			s.bind("api", owner)
			s.deployed(101, "main", ours)
		}, false, "[0]", "", ""},
	} {
		bubble(t, tt.name, func(t *testing.T) {
			s := newSite(t, "")
			tt.before(s)
			time.Sleep(time.Minute) // until all are live
			before, live := s.deployments()
			slices.Reverse(before)
			testcheck.Error(t, s.undeploy(maxDeployments, tt.others), tt.err)
			after, _ := s.deployments()
			gone := []int{}
			for i, id := range before {
				if !slices.Contains(after, id) {
					gone = append(gone, i)
				}
			}
			if fmt.Sprint(gone) != tt.want || !slices.Contains(after, live) {
				t.Errorf("gone are %v, want %s", gone, tt.want)
			}
			if !strings.Contains(s.progress.String(), tt.says) {
				t.Errorf("it says %s", &s.progress)
			}
			if tt.err == "" {
				s.Call("DELETE", "/pages/projects/site", "")
			}
		})
	}
}

// If the list lags behind the deletions, no further deployment is deleted. undeploy waits for
// the list, but not for ever.
func TestUndeploy_lag(t *testing.T) {
	for _, lists := range []int{4, 1000} { // the first without what was deleted
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, page)
			for range 30 {
				w.api.add("old")
			}
			w.api.before = func(rw http.ResponseWriter, r *http.Request) bool {
				if r.Method == http.MethodDelete {
					_, _ = rw.Write([]byte(`{"success":true,"result":null}`)) // and still listed
				} else if r.URL.Query().Get("page") == "1" && w.api.count("GET /deployments") == 2*lists-1 {
					w.api.deployments = w.api.deployments[5:]
				}
				return r.Method == http.MethodDelete
			}
			start := time.Now()
			testcheck.Error(t, w.undeploy(25), "")
			took, most := time.Since(start), lagTime+maxPause
			if lists == 4 {
				most = 3 * time.Second
			}
			if deletes := w.api.count("DELETE "); deletes != 5 || took < 3*time.Second || took > most {
				t.Errorf("%d deletes after %s", deletes, took)
			}
		})
	}
}

// What became live meanwhile is left alone, and what is gone is no error.
func TestUndeploy_refused(t *testing.T) {
	for _, tt := range []struct {
		name    string
		path    string
		status  int
		code    int
		deletes int
		wantErr string
	}{
		{"no project", "", 404, 8000007, 0, "reading the Pages project site: "},
		{"a deployment that became live", "/deployments/d1", 400, 8000034, 2, ""},
		{"a deployment that is gone", "/deployments/d1", 404, 8000009, 1, ""},
		{"another reason", "/deployments/d1", 400, 8000035, 1, "deleting a deployment of the Pages project site: "},
	} {
		bubble(t, tt.name, func(t *testing.T) {
			w := newWorld(t, page)
			for range 3 {
				w.api.add("old")
			}
			w.respondTo(" "+tt.path, 99, refusing(tt.status, tt.code))
			testcheck.Error(t, w.undeploy(2), tt.wantErr)
			equal(t, "deletes", w.api.count("DELETE "), tt.deletes)
		})
	}
}

func TestUndeploy_badInput(t *testing.T) {
	for _, tt := range []struct{ project, token, account, want string }{
		{"../x", apiToken, account, `undeploy: "../x" is not a valid Pages project name`},
		{"site", "", account, "undeploy: set CLOUDFLARE_ACCOUNT_ID and CLOUDFLARE_API_TOKEN"},
		{"site", apiToken, "", "undeploy: set CLOUDFLARE_ACCOUNT_ID and CLOUDFLARE_API_TOKEN"},
		{"site", apiToken, "x", `undeploy: CLOUDFLARE_ACCOUNT_ID: "x" is not 32 hexadecimal digits`},
	} {
		err := Undeploy(t.Context(), tt.project, false, &bytes.Buffer{}, vars{cloudflare.EnvToken: tt.token, envAccount: tt.account}.get)
		testcheck.Error(t, err, tt.want)
	}
}

// undeploy deletes deployments of anybody.
func (w *world) undeploy(most int) error {
	u := &undeployer{project: "site", others: true, most: most, log: &w.progress}
	return u.run(w.Context(), vars{cloudflare.EnvToken: apiToken, envAccount: account}.get, resttest.Transport(w.api))
}
