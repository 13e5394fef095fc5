package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"portfolio-infra/internal/sandbox/build"
)

// workflow is what the tests read of a GitHub Actions workflow.
// https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax
type workflow struct {
	Permissions map[string]string      `yaml:"permissions"`
	Jobs        map[string]workflowJob `yaml:"jobs"`
}

type workflowJob struct {
	If          string            `yaml:"if"`
	Needs       oneOrMore         `yaml:"needs"`
	Permissions map[string]string `yaml:"permissions"`
	Environment any               `yaml:"environment"`
	Concurrency any               `yaml:"concurrency"`
	Strategy    any               `yaml:"strategy"`
	Uses        string            `yaml:"uses"`
	Secrets     string            `yaml:"secrets"`
	Outputs     map[string]string `yaml:"outputs"`
	Env         map[string]string `yaml:"env"`
	Steps       []workflowStep    `yaml:"steps"`
}

type workflowStep struct {
	ID   string            `yaml:"id"`
	If   string            `yaml:"if"`
	Uses string            `yaml:"uses"`
	With map[string]string `yaml:"with"`
	Run  string            `yaml:"run"`
	Env  map[string]string `yaml:"env"`
}

// oneOrMore is a name, or a list of names.
type oneOrMore []string

func (o *oneOrMore) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind == yaml.ScalarNode {
		*o = oneOrMore{node.Value}
		return nil
	}
	return node.Decode((*[]string)(o))
}

var workflows = []string{"deploy.yml", "environments.yml", "environments-nightly.yml"}

func workflowFile(name string) string { return filepath.Join(root, ".github", "workflows", name) }

func readWorkflow(t testing.TB, name string) (w workflow) {
	t.Helper()
	readYAML(t, workflowFile(name), &w)
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

// The one condition that a job may have. always() is for a job that also tells of a failure.
var conditionPattern = regexp.MustCompile(`^(always\(\) && )?needs\.([\w-]+)\.outputs\.([\w-]+) == 'true'$`)

// runs lists the jobs that run after an event. The job `which` has decided it.
func (w workflow) runs(t testing.TB, e event) (names []string) {
	t.Helper()
	r := &runner{TB: t, workflow: w, dir: t.TempDir(), env: os.Environ(), github: func(string) values { return values{} }}
	_, decided, err := r.steps("which", e)
	if err != nil {
		t.Fatal(err)
	}
	for name, job := range w.Jobs {
		condition := conditionPattern.FindStringSubmatch(job.If)
		if condition != nil && condition[2] == "which" && decided[condition[3]] == "true" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// Which jobs run is a matter of who may see secrets.
func TestWorkflow_conditions(t *testing.T) {
	stack, environments := values{"vars.PULUMI_STACK": "prod"}, values{"vars.PULUMI_ENVIRONMENTS": "true"}
	fork := values{"github.event.pull_request.head.repo.full_name": "stranger/site"}
	ofDependabot := values{"github.event.pull_request.user.login": "dependabot[bot]"}
	byDependabot := values{"GITHUB_ACTOR": "dependabot[bot]"}
	branch := values{"GITHUB_REF": "refs/heads/x"}
	called := values{"inputs.number": "7"}
	for workflow, tests := range map[string][]struct {
		name string
		event
		set  []values
		want []string
	}{
		"deploy.yml": {
			{"pull request", pullRequest(), []values{stack}, []string{"preview", "test"}},
			{"pull request of a fork", pullRequest(), []values{stack, fork}, []string{"test"}},
			{"pull request of a fork that is gone", pullRequest(), []values{stack, {"github.event.pull_request.head.repo.full_name": ""}}, []string{"test"}},
			{"pull request of Dependabot", pullRequest(), []values{stack, ofDependabot}, []string{"test"}},
			{"push of Dependabot to a pull request", pullRequest(), []values{stack, byDependabot}, []string{"test"}},
			{"pull request of a new repository", pullRequest(), nil, []string{"test"}},
			{"push to main", push(), []values{stack}, []string{"deploy", "test"}},
			{"push to main of a new repository", push(), nil, []string{"test"}},
			{"by hand on main", byHand(), []values{stack}, []string{"deploy", "test"}},
			{"by hand on a branch", byHand(), []values{stack, branch}, []string{"test"}},
			{"night", night(), []values{stack}, []string{"drift"}},
			{"night of a new repository", night(), nil, nil},
		},
		"environments.yml": {
			{"pull request", pullRequest(), []values{environments}, []string{"comment", "up"}},
			{"pull request of a fork", pullRequest(), []values{environments, fork}, nil},
			{"pull request of Dependabot", pullRequest(), []values{environments, ofDependabot}, nil},
			{"push of Dependabot to a pull request", pullRequest(), []values{environments, byDependabot}, nil},
			{"pull request without environments", pullRequest(), []values{stack}, nil},
			{"closed", closed(), []values{environments}, []string{"end", "gone", "withdraw"}},
			{"closed, of a fork", closed(), []values{environments, fork}, nil},
			{"closed, of Dependabot", closed(), []values{environments, ofDependabot}, nil},
			{"closed, without environments", closed(), nil, nil},
			{"called at night", night(), []values{environments, called}, []string{"end", "gone"}},
			{"called by hand", byHand(), []values{environments, called}, []string{"end", "gone"}},
			{"called by hand on a branch", byHand(), []values{environments, called, branch}, nil},
			{"called with no number", night(), []values{environments, {"inputs.number": "7\nup=true"}}, nil},
		},
		"environments-nightly.yml": {
			{"night", night(), []values{environments}, []string{"list"}},
			{"by hand on a branch", byHand(), []values{environments, branch}, nil},
			{"night without environments", night(), nil, nil},
		},
	} {
		for _, test := range tests {
			t.Run(workflow+", "+test.name, func(t *testing.T) {
				e := test.event
				for _, set := range test.set {
					e = e.with(set)
				}
				if run := readWorkflow(t, workflow).runs(t, e); !slices.Equal(run, test.want) {
					t.Errorf("%v run, want %v", run, test.want)
				}
			})
		}
	}
}

// No job decides by itself whether it runs, and none that has secrets runs after one that
// failed. No text of a user becomes a part of a script.
func TestWorkflow_rules(t *testing.T) {
	for _, file := range workflows {
		for name, job := range readWorkflow(t, file).Jobs {
			secret := job.Environment != nil || job.Uses != "" || job.Secrets != ""
			what := file + ", job " + name
			for _, step := range job.Steps {
				if strings.Contains(step.Run, "${{") {
					t.Errorf("%s: a script has an expression in it: %s", what, step.Run)
				}
				if step.Run != "" && step.If != "" {
					t.Errorf("%s: a script has a condition: %s", what, step.If)
				}
				for _, value := range step.Env {
					if strings.Contains(value, "secrets.") && job.Environment == nil {
						t.Errorf("%s has secrets and no environment", what)
					}
				}
			}
			if name == "which" {
				if secret || len(job.Permissions) > 0 || len(job.Needs) > 0 || job.If != "" {
					t.Errorf("%s depends on something, or may do something", what)
				}
				continue
			}
			condition := conditionPattern.FindStringSubmatch(job.If)
			if condition == nil || condition[1] != "" && secret {
				t.Errorf("%s has the condition %q", what, job.If)
				continue
			}
			decides, output := condition[2], condition[3]
			from := readWorkflow(t, file).Jobs[decides]
			i := slices.IndexFunc(from.Steps, func(s workflowStep) bool {
				return s.Run != "" && from.Outputs[output] == fmt.Sprintf("${{ steps.%s.outputs.%s }}", s.ID, output)
			})
			if !slices.Contains(job.Needs, decides) || i < 0 {
				t.Errorf("%s: its condition reads no output of one step: %s", what, job.If)
			}
		}
	}
}

// What runs what a pull request wrote leaves no cache for main's jobs, and checks out main.
func TestWorkflow_end(t *testing.T) {
	for _, step := range readWorkflow(t, "environments.yml").Jobs["end"].Steps {
		action, _, _ := strings.Cut(step.Uses, "@")
		switch {
		case action == "actions/cache",
			action == "actions/setup-go" && step.With["cache"] != "false",
			action == "actions/checkout" && step.With["ref"] != "main":
			t.Errorf("%s with %v", step.Uses, step.With)
		}
	}
}

// In a repository without secrets the tests run, and one line says what to set.
func TestWorkflow_newRepository(t *testing.T) {
	w := readWorkflow(t, "deploy.yml")
	if !slices.ContainsFunc(w.Jobs["test"].Steps, func(s workflowStep) bool { return s.Run == ".ci/run" && s.If == "" }) {
		t.Error("the tests do not run")
	}
	r := &runner{TB: t, workflow: w, dir: t.TempDir(), env: os.Environ(), github: func(string) values { return values{} }}
	for stack, want := range map[string]int{"": 1, "prod": 0} {
		printed, _, err := r.steps("which", push().with(values{"vars.PULUMI_STACK": stack}))
		if err != nil || strings.Count(printed, "\n") != want || want > 0 && !strings.Contains(printed, "PULUMI_STACK") {
			t.Errorf("with the stack %q: %v, %q", stack, err, printed)
		}
	}
}

// There is one version of the CLI. An action is pinned to what its author tagged, and each
// has one version.
func TestWorkflow_versions(t *testing.T) {
	pinned := regexp.MustCompile(`uses: ([\w-]+/[\w-]+)(@[0-9a-f]{40} # v\d+(?:\.\d+\.\d+)?)\n`)
	versions := map[string]string{}
	for _, file := range workflows {
		text, err := os.ReadFile(workflowFile(file))
		if err != nil {
			t.Fatal(err)
		}
		uses, pins := strings.Count(string(text), "uses: ")-strings.Count(string(text), "uses: ./"), pinned.FindAllStringSubmatch(string(text), -1)
		if uses != len(pins) || uses == 0 {
			t.Errorf("%s: %d of %d actions are pinned by a commit with the version beside it", file, len(pins), uses)
		}
		for _, pin := range pins {
			if other, ok := versions[pin[1]]; ok && other != pin[2] {
				t.Errorf("%s has two versions: %s and %s", pin[1], pin[2], other)
			}
			versions[pin[1]] = pin[2]
		}
		for _, job := range readWorkflow(t, file).Jobs {
			for _, step := range job.Steps {
				if version, ok := step.With["pulumi-version"]; ok && version != build.CLIVersion {
					t.Errorf("%s installs Pulumi %s, want %s", file, version, build.CLIVersion)
				}
			}
		}
	}
	var project map[string]any
	readYAML(t, filepath.Join(root, "Pulumi.yaml"), &project)
	if required := project["requiredPulumiVersion"]; required != ">="+build.CLIVersion {
		t.Errorf("Pulumi.yaml requires %v, want %s or newer", required, build.CLIVersion)
	}
}

// What each job may do, whose secrets it gets, and what it does not run beside.
func TestWorkflow_rights(t *testing.T) {
	type rights struct {
		Permissions              map[string]string
		Environment, Concurrency any
	}
	may := func(assignments ...string) map[string]string {
		permissions := map[string]string{}
		for _, a := range assignments {
			name, value, _ := strings.Cut(a, ": ")
			permissions[name] = value
		}
		return permissions
	}
	reading := func(name string) map[string]any { return map[string]any{"name": name, "deployment": false} }
	group := func(name string, ends bool) map[string]any {
		return map[string]any{"group": name, "cancel-in-progress": ends}
	}
	which := rights{Permissions: may()}
	writer := group("environment-pr-${{ needs.which.outputs.number }}", false)
	for file, want := range map[string]map[string]rights{
		"deploy.yml": {
			"which": which,
			"test":  {Concurrency: group("test-${{ github.event.pull_request.number || github.run_id }}", true)},
			"preview": {Environment: reading("preview"), Permissions: may("contents: read", "id-token: write", "pull-requests: write"),
				Concurrency: group("preview-${{ github.event.pull_request.number }}", true)},
			"deploy": {Environment: "prod", Permissions: may("contents: read", "id-token: write"), Concurrency: "deploy-${{ vars.PULUMI_STACK }}"},
			"drift":  {Environment: reading("drift"), Permissions: may("contents: read", "id-token: write", "issues: write")},
		},
		"environments.yml": {
			"which":    which,
			"up":       {Environment: reading("pull-request"), Permissions: may("contents: read", "pull-requests: read"), Concurrency: writer},
			"end":      {Environment: reading("pull-request-end"), Permissions: may("contents: read", "pull-requests: read"), Concurrency: writer},
			"comment":  {Permissions: may("pull-requests: write")},
			"gone":     {Permissions: may("pull-requests: write")},
			"withdraw": {Permissions: may("actions: write")},
		},
		"environments-nightly.yml": {
			"which": which,
			"list":  {Environment: reading("pull-request-end"), Permissions: may("contents: read", "pull-requests: read")},
			"end":   {Permissions: may("actions: write", "contents: read", "pull-requests: write")},
		},
	} {
		var whole struct {
			Concurrency any
		}
		readYAML(t, workflowFile(file), &whole)
		w := readWorkflow(t, file)
		if diff := cmp.Diff(may("contents: read"), w.Permissions); diff != "" || whole.Concurrency != nil {
			t.Errorf("%s: its concurrency is %v, and its permissions (-want +have):\n%s", file, whole.Concurrency, diff)
		}
		have := map[string]rights{}
		for name, job := range w.Jobs {
			have[name] = rights{job.Permissions, job.Environment, job.Concurrency}
		}
		if diff := cmp.Diff(want, have); diff != "" {
			t.Errorf("%s: the jobs (-want +have):\n%s", file, diff)
		}
	}
	matrix := map[string]any{"fail-fast": false, "matrix": map[string]any{"number": "${{ fromJSON(needs.list.outputs.numbers) }}"}}
	if diff := cmp.Diff(any(matrix), readWorkflow(t, "environments-nightly.yml").Jobs["end"].Strategy); diff != "" {
		t.Errorf("the nightly matrix (-want +have):\n%s", diff)
	}
}

// An event is what a runner knows of why a workflow runs: the variables that it sets for each
// step, and the values of expressions.
type event struct{ env, values values }

// with returns the event with other values. Those of variables have a name in capitals.
func (e event) with(set values) event {
	e = event{maps.Clone(e.env), maps.Clone(e.values)}
	for name, value := range set {
		if name == strings.ToUpper(name) {
			e.env[name] = value
		} else {
			e.values[name] = value
		}
	}
	return e
}

// pullRequest is a push to a pull request within the repository.
func pullRequest() event {
	return event{
		values{"GITHUB_EVENT_NAME": "pull_request", "GITHUB_REF": "refs/pull/7/merge", "GITHUB_ACTOR": "somebody", "GITHUB_REPOSITORY": "owner/site", "GITHUB_REPOSITORY_ID": "1234"},
		values{"vars.PULUMI_STACK": "", "vars.PULUMI_ENVIRONMENTS": "", "inputs.lose-data": "", "inputs.number": "",
			"github.event.pull_request.number": "7", "github.event.pull_request.head.repo.full_name": "owner/site", "github.event.pull_request.user.login": "somebody",
			"github.event.pull_request.head.sha": "1111111111111111111111111111111111111111", "github.event.pull_request.head.ref": "feature"},
	}
}

// closed is the end of a pull request. GITHUB_REF is main's, whatever the base was.
// https://github.blog/changelog/2025-11-07-actions-pull_request_target-and-environment-branch-protections-changes
func closed() event {
	return pullRequest().with(values{"GITHUB_EVENT_NAME": "pull_request_target", "GITHUB_REF": "refs/heads/main"})
}

// onMain is an event of the main branch.
func onMain(name string) event {
	e := pullRequest().with(values{"GITHUB_EVENT_NAME": name, "GITHUB_REF": "refs/heads/main"})
	for name := range e.values {
		if strings.HasPrefix(name, "github.event.pull_request.") {
			e.values[name] = ""
		}
	}
	return e
}

func push() event   { return onMain("push") }
func night() event  { return onMain("schedule") }
func byHand() event { return onMain("workflow_dispatch").with(values{"inputs.lose-data": "true"}) }

// values are those of expressions, by their whole text.
type values map[string]string

var expressionPattern = regexp.MustCompile(`\$\{\{ (.*?) \}\}`)

// fill replaces each ${{ expression }} by its value. One that it does not know fails the test,
// unless it is the output of a step that wrote none.
func (v values) fill(t testing.TB, text string) string {
	t.Helper()
	return expressionPattern.ReplaceAllStringFunc(text, func(s string) string {
		name := expressionPattern.FindStringSubmatch(s)[1]
		value, known := v[name]
		if !known && !strings.HasPrefix(name, "steps.") {
			t.Fatalf("the test has no value for %s", name)
		}
		return value
	})
}
