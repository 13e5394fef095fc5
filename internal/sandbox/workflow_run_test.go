package main

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"gopkg.in/yaml.v3"

	"portfolio-infra/internal/testfiles"
)

// The CI workflow's own steps create, change and check a protected stack, with the Pulumi CLI
// as a runner has it. There is no Automation API, and only the steps know the keys. What is
// not real is on the PATH ([runner.shims]).
func TestWorkflow(t *testing.T) {
	f := newFixture(t)
	r := newRunner(f, "deploy.yml")
	r.write("migrations/1_guests.sql", "-- +goose Up\nCREATE TABLE guests (id INT, name INT, note INT);\nALTER TABLE guests DROP COLUMN note;\n")
	r.settings(func(config map[string]any) {
		f.want("protect", config["portfolio:protect"], any(true))
		config["portfolio:migrations"] = "migrations"
	})
	r.initStack("prod")
	stack := values{"vars.PULUMI_STACK": "prod"}
	pullRequest, push, night, byHand := pullRequest().with(stack), push().with(stack), night().with(stack), byHand().with(stack)
	readOnly := func(run func(job string, e event, want string), job string, e event, want string) {
		t.Helper()
		before := len(f.clouds.Log.Calls())
		run(job, e, want)
		f.noWrites(job, f.clouds.Log.Calls()[before:])
	}

	t.Log("a pull request before there is anything, and its merge")
	readOnly(r.passes, "preview", pullRequest, "to create")
	r.passes("deploy", push, "neither deletes nor replaces")
	f.bound()

	t.Log("nights without drift and with")
	readOnly(r.passes, "drift", night, "unchanged")
	f.byHand("PATCH", cloudflareAPI, f.pages(), `{"deployment_configs":{"production":{"services":{"API_SERVICE":null}}}}`)
	readOnly(r.fails, "drift", night, "production.API_SERVICE")

	t.Log("the protected cluster is not replaced")
	elsewhere := func(config map[string]any) { config["portfolio:region"] = "regions/aws-us-east-1" }
	r.settings(elsewhere)
	readOnly(r.fails, "deploy", push, "protect")

	t.Log("a migration takes data away, however it is written: that takes a run by hand")
	r.settings(func(config map[string]any) { delete(config, "portfolio:region"); config["portfolio:protect"] = false })
	r.write("migrations/2_names.sql", "-- +goose Up\nALTER TABLE guests ADD COLUMN email INT /*!80000 , drop name */;\n")
	readOnly(r.passes, "preview", pullRequest, "this migration takes data away: 2_names.sql:2: ")
	readOnly(r.fails, "deploy", push, "tick its box:\n  this migration takes data away: 2_names.sql:2: drops the column guests.name: ALTER TABLE ")
	r.passes("deploy", byHand, "applied 2_names.sql")
	f.bound() // again

	t.Log("so does a cluster that is not protected")
	cluster := f.cluster().ClusterID
	r.settings(elsewhere)
	readOnly(r.fails, "deploy", push, "replace tidbcloud:index:Cluster cluster")
	r.passes("deploy", byHand, "replaced")
	if f.cluster().ClusterID == cluster {
		t.Error("the run by hand did not replace the cluster")
	}
	f.bound()
}

// runner runs the jobs of a workflow. What they leave in dir stays for the next job.
type runner struct {
	testing.TB
	workflow
	dir   string
	built bool // what `make build` makes is there
	// env is what a runner sets for each step.
	env []string
	// github returns the secrets and variables that a job is given.
	github func(job string) values
	// step is the one that runs. Another goroutine may kill it.
	step atomic.Pointer[session]
}

// newRunner copies the project, as a checkout does, and sets a runner's environment, with folders
// that come first on the PATH, and the repository's secrets. The backend is a folder. A deployment
// and the look for drift have their keys from Doppler, the other jobs theirs from GitHub.
func newRunner(f *fixture, workflow string, path ...string) *runner {
	f.Helper()
	r := &runner{TB: f.TB, workflow: readWorkflow(f, workflow), dir: f.TempDir()}
	r.checkout(root)
	for _, folder := range []string{"state", "tmp"} {
		if err := os.MkdirAll(filepath.Join(f.Dir, folder), 0o700); err != nil {
			f.Fatal(err)
		}
	}
	secrets := map[string]string{}
	for name, value := range f.Env {
		switch name {
		case "CLOUDFLARE_ACCOUNT_ID", "CLOUDFLARE_API_TOKEN", "TIDBCLOUD_PUBLIC_KEY", "TIDBCLOUD_PRIVATE_KEY":
			secrets[name] = value
		default:
			r.env = append(r.env, name+"="+value)
		}
	}
	const dopplerToken = "dp.st.prod.made-up"
	path = append(path, r.shims(dopplerToken, secrets), filepath.Join(root, "bin"), os.Getenv("PATH"))
	r.env = append(r.env, "HOME="+f.TempDir(), "PATH="+strings.Join(path, ":"))
	for _, name := range []string{"GOCACHE", "GOMODCACHE", "GOPATH", "GOPROXY", "GOFLAGS"} {
		r.env = append(r.env, name+"="+strings.TrimSpace(r.output(exec.CommandContext(f.Context(), "go", "env", name))))
	}
	engine := f.Environment()
	for name, value := range engine {
		if _, done := f.Env[name]; !done && name != "PULUMI_BACKEND_URL" && name != "PULUMI_CONFIG_PASSPHRASE" {
			r.env = append(r.env, name+"="+value)
		}
	}
	r.github = func(job string) values {
		v := values{
			"vars.PULUMI_BACKEND_URL": engine["PULUMI_BACKEND_URL"], "vars.AWS_REGION": "", "github.token": "made-up",
			"secrets.PULUMI_CONFIG_PASSPHRASE": engine["PULUMI_CONFIG_PASSPHRASE"], "secrets.PULUMI_ACCESS_TOKEN": "",
			"secrets.AWS_ACCESS_KEY_ID": "", "secrets.AWS_SECRET_ACCESS_KEY": "", "secrets.DOPPLER_TOKEN": "", "secrets.DOPPLER_TOKEN && 'doppler run --'": "",
		}
		keys := secrets
		if job == "deploy" || job == "drift" {
			v["secrets.DOPPLER_TOKEN"], v["secrets.DOPPLER_TOKEN && 'doppler run --'"], keys = dopplerToken, "doppler run --", nil
		}
		v["vars.CLOUDFLARE_ACCOUNT_ID"] = keys["CLOUDFLARE_ACCOUNT_ID"]
		for _, name := range []string{"CLOUDFLARE_API_TOKEN", "TIDBCLOUD_PUBLIC_KEY", "TIDBCLOUD_PRIVATE_KEY"} {
			v["secrets."+name] = keys[name]
		}
		return v
	}
	return r
}

// job runs a job that the workflow's job `which` lets run.
func (r *runner) job(name string, e event) (printed string, outputs map[string]string, err error) {
	r.Helper()
	if !slices.Contains(r.runs(r, e), name) {
		r.Fatalf("the job %s does not run", name)
	}
	_, decided, err := r.steps("which", e)
	if err != nil {
		r.Fatal(err)
	}
	needs := values{}
	for output, value := range decided {
		needs["needs.which.outputs."+output] = value
	}
	return r.steps(name, e.with(needs))
}

// steps runs the `run:` steps of a job in order, up to the first one that fails. It returns
// what they printed, and the outputs of the job.
func (r *runner) steps(name string, e event) (printed string, outputs map[string]string, err error) {
	r.Helper()
	job := r.Jobs[name]
	known := r.github(name)
	maps.Copy(known, e.values)
	temp := r.TempDir()
	file := func(name string) string { return filepath.Join(temp, name) }
	for _, step := range job.Steps {
		if step.Run == "" || step.Run == "make build" && r.built {
			continue
		}
		r.built = r.built || step.Run == "make build"
		if err := os.WriteFile(file("script.sh"), []byte(step.Run), 0o600); err != nil {
			r.Fatal(err)
		}
		// As the runner does for `shell: bash`.
		cmd := exec.CommandContext(r.Context(), "bash", "--noprofile", "--norc", "-eo", "pipefail", file("script.sh"))
		cmd.Dir = r.dir
		cmd.Env = append(slices.Clone(r.env), "CI=true", "RUNNER_TEMP="+temp, "PULUMI_HOME="+file("home"),
			"GITHUB_PATH="+file("path"), "GITHUB_OUTPUT="+file("output"), "GITHUB_STEP_SUMMARY="+file("summary"),
			"GITHUB_SERVER_URL=https://github.com", "GITHUB_RUN_ID=1")
		for key, value := range e.env {
			cmd.Env = append(cmd.Env, key+"="+value)
		}
		for _, env := range []map[string]string{job.Env, step.Env} {
			for key, value := range env {
				cmd.Env = append(cmd.Env, key+"="+known.fill(r, value))
			}
		}
		s := newSession(r, cmd)
		r.step.Store(s)
		output, err := s.wait()
		r.step.Store(nil)
		printed += output
		if err != nil {
			return printed, nil, fmt.Errorf("%q: %w", step.Run, err)
		}
		for name, value := range readOutputs(r, file("output")) {
			known["steps."+step.ID+".outputs."+name] = value
		}
	}
	outputs = map[string]string{}
	for name, value := range job.Outputs {
		outputs[name] = known.fill(r, value)
	}
	return printed, outputs, nil
}

// readOutputs reads the outputs that a step wrote, and removes the file.
// https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
func readOutputs(t testing.TB, file string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err == nil {
		err = os.Remove(file)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	outputs := map[string]string{}
	for rest := string(text); rest != ""; {
		line, after, _ := strings.Cut(rest, "\n")
		if name, end, ok := strings.Cut(line, "<<"); ok {
			outputs[name], rest, _ = strings.Cut(after, "\n"+end+"\n")
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		if !ok {
			t.Fatalf("the output %q has no name", line)
		}
		outputs[name], rest = value, after
	}
	return outputs
}

// checkout copies the project's folder, with what `make build` left in it, as a runner's
// caches do.
func (r *runner) checkout(root string) {
	r.Helper()
	r.output(exec.CommandContext(r.Context(), "sh", "-c", `tar -C "$0" --exclude ./.git --exclude ./.sandbox `+
		`--exclude ./bin/pulumi --exclude './bin/tidb-*' --exclude ./bin/golangci-lint --exclude ./bin/actionlint -cf - . | tar -C "$1" -xf -`, root, r.dir))
}

// output runs a command that must succeed.
func (r *runner) output(cmd *exec.Cmd) string {
	r.Helper()
	var said bytes.Buffer
	cmd.Stderr = &said
	output, err := cmd.Output()
	if err != nil {
		r.Fatalf("%v: %v\n%s%s", cmd, err, output, said.String())
	}
	return string(output)
}

// initStack creates a stack, which a person does before there is a workflow.
func (r *runner) initStack(name string) {
	r.Helper()
	github := r.github("deploy")
	cmd := exec.CommandContext(r.Context(), "/bin/sh", "-c", "pulumi stack init --non-interactive "+name)
	cmd.Dir = r.dir
	cmd.Env = append(slices.Clone(r.env), "PULUMI_BACKEND_URL="+github["vars.PULUMI_BACKEND_URL"], "PULUMI_CONFIG_PASSPHRASE="+github["secrets.PULUMI_CONFIG_PASSPHRASE"])
	r.output(cmd)
}

// write writes a file, as a commit does.
func (r *runner) write(name, text string) {
	r.Helper()
	testfiles.Write(r, r.dir, map[string]string{name: text})
}

// settings changes the config of the stack, as a commit does.
func (r *runner) settings(change func(config map[string]any)) {
	r.Helper()
	path := filepath.Join(r.dir, "Pulumi.prod.yaml")
	settings := map[string]any{}
	readYAML(r, path, &settings)
	change(settings["config"].(map[string]any))
	b, err := yaml.Marshal(settings)
	if err == nil {
		err = os.WriteFile(path, b, 0o600)
	}
	if err != nil {
		r.Fatal(err)
	}
}

// passes runs a job that must succeed and print the text.
func (r *runner) passes(job string, e event, want string) {
	r.Helper()
	r.check(job, e, want, true)
}

// fails runs a job that must fail and print the text.
func (r *runner) fails(job string, e event, want string) {
	r.Helper()
	r.check(job, e, want, false)
}

func (r *runner) check(job string, e event, want string, passes bool) {
	r.Helper()
	printed, _, err := r.job(job, e)
	if (err == nil) != passes || !strings.Contains(printed, want) {
		r.Fatalf("%s: the error is %v; want %q in:\n%s", job, err, want, printed)
	}
}
