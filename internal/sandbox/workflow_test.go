package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"portfolio-infra/internal/sandbox/build"
)

// workflow is what is run of a GitHub Actions workflow: the `run:` steps, with bash, in a
// folder of their own.
// https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax
type workflow struct {
	Jobs map[string]workflowJob `yaml:"jobs"`
}

type workflowJob struct {
	If    string            `yaml:"if"`
	Env   map[string]string `yaml:"env"`
	Steps []workflowStep    `yaml:"steps"`
}

type workflowStep struct {
	If   string            `yaml:"if"`
	Uses string            `yaml:"uses"`
	With map[string]string `yaml:"with"`
	Run  string            `yaml:"run"`
	Env  map[string]string `yaml:"env"`
}

var workflowFile = filepath.Join(root, ".github", "workflows", "deploy.yml")

func readWorkflow(t testing.TB) (w workflow) {
	t.Helper()
	readYAML(t, workflowFile, &w)
	return w
}

func readYAML(t testing.TB, path string, into any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err == nil {
		err = yaml.Unmarshal(text, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// runner runs the steps of jobs. What they leave in dir stays for the next job.
type runner struct {
	testing.TB
	workflow
	dir string
	// env is what a runner sets for each step.
	env []string
	// github returns the secrets and variables that a job is given.
	github func(job string) values
}

// job runs the `run:` steps of a job in order, up to the first one that fails, and returns
// what they printed.
func (r *runner) job(name string, event values) (printed string, err error) {
	r.Helper()
	job := r.Jobs[name]
	known := r.github(name)
	maps.Copy(known, event)
	if !known.truth(r, job.If) {
		r.Fatalf("the job %s does not run", name)
	}
	temp := r.TempDir()
	path := filepath.Join(temp, "path")
	for _, step := range job.Steps {
		if step.Run == "" || step.If != "" && !known.truth(r, step.If) {
			continue
		}
		script := filepath.Join(temp, "script.sh")
		if err := os.WriteFile(script, []byte(step.Run), 0o600); err != nil {
			r.Fatal(err)
		}
		// As the runner does for `shell: bash`.
		cmd := exec.CommandContext(r.Context(), "bash", "--noprofile", "--norc", "-eo", "pipefail", script)
		cmd.Dir = r.dir
		cmd.Env = append(slices.Clone(r.env), "CI=true", "RUNNER_TEMP="+temp, "GITHUB_PATH="+path)
		for _, env := range []map[string]string{job.Env, step.Env} {
			for key, value := range env {
				cmd.Env = append(cmd.Env, key+"="+known.fill(r, value))
			}
		}
		output, err := cmd.CombinedOutput()
		printed += string(output)
		if err != nil {
			return printed, fmt.Errorf("%q: %w", step.Run, err)
		}
	}
	return printed, nil
}

// values evaluates the expressions that the workflow uses. A name that it does not know
// fails the test.
// https://docs.github.com/en/actions/reference/workflows-and-actions/expressions
type values map[string]string

var (
	expressionPattern = regexp.MustCompile(`\$\{\{(.*?)\}\}`)
	operandPattern    = regexp.MustCompile(`'[^']*'|[\w.-]+`)
)

// fill replaces each ${{ expression }} by its value.
func (v values) fill(t testing.TB, text string) string {
	t.Helper()
	return expressionPattern.ReplaceAllStringFunc(text, func(s string) string {
		return v.evaluate(t, expressionPattern.FindStringSubmatch(s)[1])
	})
}

// truth evaluates a condition, which may leave ${{ }} out.
func (v values) truth(t testing.TB, condition string) bool {
	t.Helper()
	if m := expressionPattern.FindStringSubmatch(condition); m != nil {
		condition = m[1]
	}
	return truthy(v.evaluate(t, condition))
}

// truthy reports what a value counts as. Booleans are kept as text: the workflow has no text
// that reads "false".
func truthy(value string) bool { return value != "" && value != "false" }

// evaluate puts values in place of names. What is left has the syntax of Go, with the same
// precedence.
func (v values) evaluate(t testing.TB, text string) string {
	t.Helper()
	literals := operandPattern.ReplaceAllStringFunc(text, func(operand string) string {
		if literal, ok := strings.CutPrefix(operand, "'"); ok {
			return strconv.Quote(strings.TrimSuffix(literal, "'"))
		}
		value, known := v[operand]
		if !known {
			t.Fatalf("the test has no value for %s", operand)
		}
		return strconv.Quote(value)
	})
	expression, err := parser.ParseExpr(literals)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return evaluate(t, expression)
}

func evaluate(t testing.TB, expression ast.Expr) string {
	switch e := expression.(type) {
	case *ast.ParenExpr:
		return evaluate(t, e.X)
	case *ast.BasicLit:
		text, _ := strconv.Unquote(e.Value)
		return text
	case *ast.UnaryExpr:
		return strconv.FormatBool(!truthy(evaluate(t, e.X)))
	case *ast.BinaryExpr:
		left, right := evaluate(t, e.X), evaluate(t, e.Y)
		switch {
		case e.Op == token.EQL:
			return strconv.FormatBool(left == right)
		case e.Op == token.NEQ:
			return strconv.FormatBool(left != right)
		case e.Op == token.LAND && truthy(left), e.Op == token.LOR && !truthy(left):
			return right
		case e.Op == token.LAND, e.Op == token.LOR:
			return left
		}
	}
	t.Fatalf("this evaluator does not know %T", expression)
	return ""
}

// Which jobs run is a matter of who may see secrets.
func TestWorkflow_conditions(t *testing.T) {
	jobs := readWorkflow(t).Jobs
	for _, test := range []struct {
		name string
		set  values
		want []string
	}{
		{"pull request", values{}, []string{"preview", "test"}},
		{"pull request of a fork", values{"github.event.pull_request.head.repo.full_name": "stranger/site"}, []string{"test"}},
		{"pull request of Dependabot", values{"github.event.pull_request.user.login": "dependabot[bot]"}, []string{"test"}},
		{"push of Dependabot to a pull request", values{"github.actor": "dependabot[bot]"}, []string{"test"}},
		{"pull request of a new repository", values{"vars.PULUMI_STACK": ""}, []string{"test"}},
		{"push to main", values{"github.event_name": "push", "github.ref": "refs/heads/main"}, []string{"deploy", "test"}},
		{"push to main of a new repository", values{"github.event_name": "push", "github.ref": "refs/heads/main", "vars.PULUMI_STACK": ""}, []string{"test"}},
		{"by hand on main", values{"github.event_name": "workflow_dispatch", "github.ref": "refs/heads/main"}, []string{"deploy", "test"}},
		{"by hand on a branch", values{"github.event_name": "workflow_dispatch", "github.ref": "refs/heads/x"}, []string{"test"}},
		{"night", values{"github.event_name": "schedule", "github.ref": "refs/heads/main"}, []string{"drift"}},
		{"night of a new repository", values{"github.event_name": "schedule", "github.ref": "refs/heads/main", "vars.PULUMI_STACK": ""}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			v := pullRequest()
			maps.Copy(v, test.set)
			var run []string
			for name, job := range jobs {
				if v.truth(t, job.If) {
					run = append(run, name)
				}
			}
			slices.Sort(run)
			if !slices.Equal(run, test.want) {
				t.Errorf("%v run, want %v", run, test.want)
			}
		})
	}
}

// In a repository without secrets the tests run, and one line says what to set.
func TestWorkflow_newRepository(t *testing.T) {
	r := &runner{TB: t, workflow: readWorkflow(t), dir: t.TempDir(), env: os.Environ(), github: func(string) values { return values{} }}
	job := r.Jobs["test"]
	tests := slices.IndexFunc(job.Steps, func(s workflowStep) bool { return s.Run == ".ci/run" })
	if tests < 0 || job.Steps[tests].If != "" {
		t.Error("the tests do not run")
	}
	job.Steps = slices.Delete(job.Steps, tests, tests+1)
	r.Jobs["test"] = job
	for stack, want := range map[string]int{"": 1, "prod": 0} {
		event := push()
		event["vars.PULUMI_STACK"] = stack
		printed, err := r.job("test", event)
		if err != nil || strings.Count(printed, "\n") != want || want > 0 && !strings.Contains(printed, "PULUMI_STACK") {
			t.Errorf("with the stack %q: %v, %q", stack, err, printed)
		}
	}
}

// There is one version of the CLI. An action is pinned to what its author tagged.
func TestWorkflow_versions(t *testing.T) {
	text, err := os.ReadFile(workflowFile)
	if err != nil {
		t.Fatal(err)
	}
	pinned := regexp.MustCompile(`uses: [\w-]+/[\w-]+@[0-9a-f]{40} # v\d+(\.\d+\.\d+)?\n`)
	if uses, pins := strings.Count(string(text), "uses:"), len(pinned.FindAll(text, -1)); uses != pins || uses == 0 {
		t.Errorf("%d of %d actions are pinned by a commit with the version beside it", pins, uses)
	}
	for _, job := range readWorkflow(t).Jobs {
		for _, step := range job.Steps {
			if version, ok := step.With["pulumi-version"]; ok && version != build.CLIVersion {
				t.Errorf("the workflow installs Pulumi %s, want %s", version, build.CLIVersion)
			}
		}
	}
	var project map[string]any
	readYAML(t, filepath.Join(root, "Pulumi.yaml"), &project)
	if required := project["requiredPulumiVersion"]; required != ">="+build.CLIVersion {
		t.Errorf("Pulumi.yaml requires %v, want %s or newer", required, build.CLIVersion)
	}
}

// What each job may do, and whose secrets it gets.
func TestWorkflow_rights(t *testing.T) {
	type rights struct {
		Permissions map[string]string
		Environment any
		Concurrency any
	}
	var have struct {
		Permissions map[string]string
		Jobs        map[string]rights
	}
	readYAML(t, workflowFile, &have)
	if diff := cmp.Diff(map[string]string{"contents": "read"}, have.Permissions); diff != "" {
		t.Errorf("the workflow's permissions (-want +have):\n%s", diff)
	}
	reading := func(name string) map[string]any { return map[string]any{"name": name, "deployment": false} }
	want := map[string]rights{
		"test": {},
		"preview": {Environment: reading("preview"),
			Permissions: map[string]string{"contents": "read", "id-token": "write", "pull-requests": "write"}},
		"deploy": {Environment: "prod", Concurrency: "deploy-${{ vars.PULUMI_STACK }}",
			Permissions: map[string]string{"contents": "read", "id-token": "write"}},
		"drift": {Environment: reading("drift"),
			Permissions: map[string]string{"contents": "read", "id-token": "write", "issues": "write"}},
	}
	if diff := cmp.Diff(want, have.Jobs); diff != "" {
		t.Errorf("the jobs (-want +have):\n%s", diff)
	}
}
