package cloudflare_test

import (
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"portfolio-infra/internal/pages/pagestest"
	"portfolio-infra/internal/sandbox/emulator"
	"portfolio-infra/internal/sandbox/emulator/cloudflare"
	"portfolio-infra/internal/testfiles"
)

// The real wrangler's commands that the documents name find all that they call.
func TestCloud_wrangler(t *testing.T) {
	line := pagestest.Wrangler(t)
	c := newClient(t, &cloudflare.Cloud{DeployTime: -1})
	log := &emulator.Log{}
	server := httptest.NewServer(&emulator.Server{Handler: c.cloud, Log: log, Faults: &emulator.Faults{}})
	t.Cleanup(server.Close)
	c.cloud.DeploymentURL = func(project, id string) string { return server.URL + cloudflare.DeploymentPath(project, id) }
	dir := t.TempDir()
	write := func(name, content string) {
		t.Helper()
		testfiles.Write(t, dir, map[string]string{name: content})
	}
	wrangler := func(folder, input string, args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), line[0], slices.Concat(line[1:], args)...)
		cmd.Dir, cmd.Stdin = filepath.Join(dir, folder), strings.NewReader(input)
		cmd.Env = []string{
			"PATH=" + filepath.Dir(line[0]) + ":" + os.Getenv("PATH"), "HOME=" + dir, "CI=1", "NO_COLOR=1", "WRANGLER_SEND_METRICS=false",
			"CLOUDFLARE_API_BASE_URL=" + server.URL + "/client/v4", "CLOUDFLARE_API_TOKEN=" + token, "CLOUDFLARE_ACCOUNT_ID=" + cloudflare.DefaultAccountID,
		}
		if said, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("wrangler %v: %v\n%s", args, err, said)
		}
	}
	const config = "name = \"api\"\nmain = \"index.js\"\ncompatibility_date = \"2026-06-01\"\n"
	write("api/index.js", "export default { fetch() { return new Response('hi') } }")
	write("api/wrangler.toml", config)
	wrangler("api", "", "deploy")
	wrangler("api", "hush", "secret", "put", "TOKEN")
	write("api/wrangler.toml", config+"workers_dev = false\n[vars]\nMODE = \"live\"\nLIST = [1]\n[observability]\nenabled = true\n"+
		"[[services]]\nbinding = \"SELF\"\nservice = \"api\"\n")
	wrangler("api", "", "deploy")
	w := c.cloud.Scripts()[0]
	want := cloudflare.Config{Vars: map[string]string{"MODE": "live"}, Services: map[string]cloudflare.Service{"SELF": {Service: "api"}}, Secrets: w.Secrets}
	if diff := cmp.Diff(want, w.Config); diff != "" {
		t.Errorf("the Worker (-want +got):\n%s", diff)
	}
	if !w.Secrets["TOKEN"].Is("hush") || w.CompatibilityDate != "2026-06-01" || !strings.Contains(w.Module("index.js"), "hi") {
		t.Errorf("the Worker is %+v", w)
	}

	c.project("site")
	write("site/dist/index.html", "<h1>Hi</h1>")
	write("site/functions/x.js", "export const onRequest = () => new Response('x')")
	write("site/wrangler.toml", "name = \"site\"\npages_build_output_dir = \"dist\"\ncompatibility_date = \"2026-06-01\"\n[vars]\nMODE = \"live\"\n")
	wrangler("site", "", "pages", "deploy", "--branch", "main")
	site, ok, err := c.cloud.Site("site")
	if err != nil || !ok || site.Files["/index.html"] == "" || site.Worker == nil || site.Vars["MODE"] != "live" {
		t.Errorf("the site is %+v, %v", site, err)
	}
	missing := []string{"GET " + services + "/api", "GET " + scripts + "/api/secrets", "GET " + scripts + "/api/deployments", "GET " + scripts + "/api/settings"}
	for _, call := range log.Calls() {
		line := call.Method + " " + strings.TrimPrefix(call.Path, "/client/v4")
		if call.Status != 200 && (call.Status != 404 || !slices.Contains(missing, line)) { // the first deployment looks for the Worker
			t.Errorf("%s is answered with %d", line, call.Status)
		}
	}
}
