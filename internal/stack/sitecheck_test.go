package stack

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"portfolio-infra/internal/cloudflare"
	"portfolio-infra/internal/pages"
	"portfolio-infra/internal/testcheck"
	"portfolio-infra/internal/testfiles"
)

// inProject writes files to a project's folder with a Worker's script, and returns it.
func (a *account) inProject(files map[string]string) {
	a.Helper()
	a.dir = filepath.Join(a.TempDir(), "project")
	testfiles.Write(a, a.dir, files)
	testfiles.Write(a, a.dir, map[string]string{"api.js": "export default {}"})
}

func siteConfig(site string) map[string]string {
	return map[string]string{"workerScript": "api.js", "site": site}
}

// The project's own folder is no site, by whatever name, and neither is one above it.
func TestRun_siteIsProject(t *testing.T) {
	a := newAccount(t)
	a.inProject(map[string]string{"public/index.html": "", "link": "-> .", "up": "-> ../..", "Pulumi.yaml": ""})
	for _, site := range []string{".", "./", "..", "../..", "public/..", "link", "up", "../project"} {
		a.refuse(siteConfig(site), fmt.Sprintf("portfolio:site: %q: it has the project's own folder", site))
	}
	a.up(siteConfig("public"))
}

// Each problem of a site has a line and advice of its own.
func TestRun_siteProblems(t *testing.T) {
	a := newAccount(t)
	a.inProject(map[string]string{"public/a": "-> nowhere", "public/.env": "", "public/_headers/x": ""})
	a.refuse(siteConfig("public"), "the configuration has 3 problems", "\n  portfolio:site: \"public\": _headers cannot be read", "\n  portfolio:site: \"public\": a is a symbolic link",
		"\n  portfolio:site: \"public\": everybody could read", "`pulumi config set --path 'publicFiles[0]' .env`")
	if err := a.run(siteConfig("public")); strings.Contains(err.Error(), "give a folder to serve") {
		t.Errorf("advice of another problem: %v", err)
	}
}

// A plan's number of files is asked for of the project that there is.
func TestRun_siteFiles(t *testing.T) {
	a := newAccount(t)
	files := map[string]string{}
	for i := range 142 { // each link to a folder counts as a copy
		files[fmt.Sprint("public/0/", i)], files[fmt.Sprint("public/link", i)] = "", "-> 0"
	}
	a.inProject(files)
	a.CreateProject("portfolio-dev", "main")
	config := siteConfig("public")
	config["adopt"] = "true"
	testcheck.Error(t, a.run(config), "config key site: it has 20306 files, and Pages takes 20000: name a smaller folder")
	if slices.Contains(a.engine.names(), "portfolio-dev") {
		t.Errorf("registered %v", a.engine.names())
	}
}

// A record in the state counts, unless the user consents; a state without one does not.
func TestRun_shrinkSite(t *testing.T) {
	a := newAccount(t)
	a.inProject(map[string]string{"public/index.html": ""})
	text := resource.NewStringProperty
	for _, test := range []struct{ resource, shrink, want string }{
		{"site", "false", "it has 1 files, and the last deployment had 30 files"},
		{"binding", "false", ""},
		{"site", "true", ""},
	} {
		outputs := resource.PropertyMap{"stdin": text(`{"digest":"before"}`), "stdout": resource.MakeSecret(text(`{"id":"1","files":30}`))}
		a.engine.state = resource.PropertyMap{
			resource.PropertyKey("urn:pulumi:dev::portfolio::portfolio:index:Pages$command:local:Command::" + test.resource): resource.NewObjectProperty(
				resource.PropertyMap{"type": text("x"), "outputs": resource.NewObjectProperty(outputs)})}
		config := siteConfig("public")
		config["shrinkSite"] = test.shrink
		testcheck.Error(t, a.run(config), test.want)
	}
}

// Of a Wrangler file one thing is said.
func TestWranglerWarnings(t *testing.T) {
	bindings := pages.Wanted{Bindings: map[string]pages.Service{"API": {Service: "api", Environment: "production"}}}
	site := &Site{wranglerFiles: []string{"it is not read"}}
	plain := &cloudflare.Project{Name: "site"}
	withFile := &cloudflare.Project{Name: "site", DeploymentConfigs: map[string]cloudflare.DeploymentConfig{"production": {WranglerConfigHash: "cafe"}}}
	for _, test := range []struct {
		name    string
		site    *Site
		world   world
		want    string
		wantErr []string
	}{
		{"no project", site, world{}, "it is not read", nil},
		{"no file of the project", site, world{project: plain}, "it is not read", nil},
		{"no site", nil, world{project: plain}, "", nil},
		{"the project's file, no Worker", site, world{project: withFile}, "takes its bindings from a Wrangler file", nil},
		{"the project's file", site, world{project: withFile, worker: &foundWorker{}}, "", []string{"takes its bindings from a Wrangler file"}},
	} {
		got, err := wranglerWarnings(&Config{Bindings: bindings, Site: test.site}, &test.world)
		testcheck.Error(t, err, test.wantErr...)
		if all := strings.Join(got, "\n"); len(got) > 1 || !strings.Contains(all, test.want) || (all == "") != (test.want == "") {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}
