package main

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The CI workflow's own steps make, change and watch over a protected stack, with the
// Pulumi CLI as a runner has it: no Automation API, and keys that only the steps know.
// What is not real is on the PATH ([runner.shims]).
func TestWorkflow(t *testing.T) {
	w := newWorld(t)
	r := newRunner(w)
	r.settings(func(config yamlMap) { w.want("protect", config["portfolio:protect"], true) })
	r.initStack()
	readOnly := func(what string, run func()) {
		t.Helper()
		before := len(w.clouds.log.Calls())
		run()
		w.noWrites(what, w.clouds.log.Calls()[before:])
	}

	t.Log("a pull request before there is anything")
	readOnly("the first preview", func() { r.passes("preview", pullRequest(), "to create") })

	t.Log("a push to main")
	r.passes("deploy", push(), "neither deletes nor replaces")
	w.bound()
	cluster := w.cluster().ClusterID

	t.Log("nights without drift and with")
	readOnly("a night without drift", func() { r.passes("drift", night(), "unchanged") })
	w.byHand("PATCH", cloudflareAPI, w.account()+"/pages/projects/portfolio",
		`{"deployment_configs":{"production":{"services":{"API_SERVICE":null}}}}`)
	readOnly("a night with drift", func() { r.fails("drift", night(), "production.API_SERVICE") })
	r.passes("deploy", push(), "1 updated")
	w.bound()

	t.Log("the protected cluster is not replaced")
	r.settings(func(config yamlMap) { config["portfolio:region"] = "regions/aws-us-east-1" })
	readOnly("a refused deployment", func() { r.fails("deploy", push(), "protect") })

	t.Log("without protection it takes a run by hand")
	r.settings(func(config yamlMap) { delete(config, "portfolio:region"); config["portfolio:protect"] = false })
	r.passes("deploy", push(), "neither deletes nor replaces")
	r.settings(func(config yamlMap) { config["portfolio:region"] = "regions/aws-us-east-1" })
	readOnly("a deployment that would lose data", func() { r.fails("deploy", push(), "replace tidbcloud:index:Cluster cluster") })
	w.want("cluster", w.cluster().ClusterID, cluster)
	r.passes("deploy", byHand(), "replaced")
	if w.cluster().ClusterID == cluster {
		t.Error("the run by hand did not replace the cluster")
	}
	w.bound()
}

// pullRequest are the values of a pull request within the repository.
func pullRequest() values {
	return values{
		"vars.PULUMI_STACK": "prod", "github.event_name": "pull_request", "github.ref": "refs/pull/1/merge",
		"github.repository": "owner/site", "github.event.pull_request.head.repo.full_name": "owner/site",
		"github.event.pull_request.user.login": "somebody", "github.actor": "somebody", "inputs.lose-data": "",
	}
}

// onMain are the values of a run on the main branch.
func onMain(event, loseData string) values {
	v := pullRequest()
	v["github.event_name"], v["github.ref"], v["inputs.lose-data"] = event, "refs/heads/main", loseData
	v["github.event.pull_request.head.repo.full_name"], v["github.event.pull_request.user.login"] = "", ""
	return v
}

func push() values   { return onMain("push", "") }
func night() values  { return onMain("schedule", "") }
func byHand() values { return onMain("workflow_dispatch", "true") }

// newRunner copies the project, as a checkout does, and sets a runner's environment and
// the repository's secrets. The backend is a folder. A pull request has its keys from
// GitHub, the other jobs theirs from Doppler.
func newRunner(w *world) *runner {
	w.Helper()
	r := &runner{TB: w.TB, workflow: readWorkflow(w), dir: w.TempDir()}
	r.checkout(w.sb.root)
	if err := w.sb.makeFolders(); err != nil {
		w.Fatal(err)
	}
	secrets := map[string]string{}
	for name, value := range w.clouds.env {
		switch name {
		case "CLOUDFLARE_ACCOUNT_ID", "CLOUDFLARE_API_TOKEN", "TIDBCLOUD_PUBLIC_KEY", "TIDBCLOUD_PRIVATE_KEY":
			secrets[name] = value
		default:
			r.env = append(r.env, name+"="+value)
		}
	}
	const dopplerToken = "dp.st.prod.made-up"
	r.env = append(r.env, "HOME="+w.TempDir(), "PATH="+r.shims(dopplerToken, secrets)+":"+filepath.Join(w.sb.root, "bin")+":"+os.Getenv("PATH"))
	for _, name := range []string{"GOCACHE", "GOMODCACHE", "GOPATH", "GOPROXY", "GOFLAGS"} {
		value, err := exec.CommandContext(w.Context(), "go", "env", name).Output()
		if err != nil {
			w.Fatal(err)
		}
		r.env = append(r.env, name+"="+strings.TrimSpace(string(value)))
	}
	engine := w.sb.engineEnv()
	for name, value := range engine {
		if name != "PULUMI_BACKEND_URL" && name != "PULUMI_CONFIG_PASSPHRASE" {
			r.env = append(r.env, name+"="+value)
		}
	}
	r.github = func(job string) values {
		v := values{
			"vars.PULUMI_BACKEND_URL": engine["PULUMI_BACKEND_URL"], "vars.AWS_REGION": "", "steps.oidc.outputs.pulumi-access-token": "",
			"secrets.PULUMI_CONFIG_PASSPHRASE": engine["PULUMI_CONFIG_PASSPHRASE"], "secrets.PULUMI_ACCESS_TOKEN": "",
			"secrets.AWS_ACCESS_KEY_ID": "", "secrets.AWS_SECRET_ACCESS_KEY": "", "secrets.DOPPLER_TOKEN": dopplerToken,
			"vars.CLOUDFLARE_ACCOUNT_ID": "", "secrets.CLOUDFLARE_API_TOKEN": "", "secrets.TIDBCLOUD_PUBLIC_KEY": "", "secrets.TIDBCLOUD_PRIVATE_KEY": "",
		}
		if job == "preview" {
			v["secrets.DOPPLER_TOKEN"] = ""
			v["vars.CLOUDFLARE_ACCOUNT_ID"] = secrets["CLOUDFLARE_ACCOUNT_ID"]
			for _, name := range []string{"CLOUDFLARE_API_TOKEN", "TIDBCLOUD_PUBLIC_KEY", "TIDBCLOUD_PRIVATE_KEY"} {
				v["secrets."+name] = secrets[name]
			}
		}
		return v
	}
	return r
}

// checkout copies the project's folder, with what `make build` left in it, as a runner's
// caches do.
func (r *runner) checkout(root string) {
	r.Helper()
	ignored := []string{".git", ".sandbox", "bin/pulumi", "bin/golangci-lint", "bin/actionlint"}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		target := filepath.Join(r.dir, name)
		switch {
		case slices.Contains(ignored, name) && d.IsDir():
			return filepath.SkipDir
		case slices.Contains(ignored, name):
			return nil
		case d.IsDir():
			return os.MkdirAll(target, 0o700)
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(target, content, info.Mode())
	})
	if err != nil {
		r.Fatal(err)
	}
}

// initStack makes the stack, which a person does before there is a workflow.
func (r *runner) initStack() {
	r.Helper()
	github := r.github("deploy")
	cmd := exec.CommandContext(r.Context(), "/bin/sh", "-c", "pulumi stack init prod --non-interactive")
	cmd.Dir = r.dir
	cmd.Env = append(slices.Clone(r.env), "PULUMI_BACKEND_URL="+github["vars.PULUMI_BACKEND_URL"], "PULUMI_CONFIG_PASSPHRASE="+github["secrets.PULUMI_CONFIG_PASSPHRASE"])
	if output, err := cmd.CombinedOutput(); err != nil {
		r.Fatalf("%v\n%s", err, output)
	}
}

// settings changes the config of the stack, as a commit does.
func (r *runner) settings(change func(config yamlMap)) {
	r.Helper()
	path := filepath.Join(r.dir, "Pulumi.prod.yaml")
	settings, err := readYAML(path)
	if err != nil {
		r.Fatal(err)
	}
	change(settings["config"].(yamlMap))
	if err := writeYAML(path, settings); err != nil {
		r.Fatal(err)
	}
}

// passes runs a job that must succeed and print the text.
func (r *runner) passes(job string, event values, want string) {
	r.Helper()
	printed, err := r.job(job, event)
	if err != nil || !strings.Contains(printed, want) {
		r.Fatalf("%s: %v; want %q in:\n%s", job, err, want, printed)
	}
}

// fails runs a job that must fail and print the text.
func (r *runner) fails(job string, event values, want string) {
	r.Helper()
	printed, err := r.job(job, event)
	if err == nil || !strings.Contains(printed, want) {
		r.Fatalf("%s: the error is %v; want %q in:\n%s", job, err, want, printed)
	}
}
