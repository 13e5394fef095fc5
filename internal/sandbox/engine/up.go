package engine

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/events"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optup"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// Done is what an up did.
type Done struct {
	// Deployed reports whether the stack has a site, and Site is its address.
	Deployed bool
	Site     string
	// Files is the number of the site's files, Sent how many of them this run uploaded.
	Files, Sent int
	// Migrations are the resources that apply files of SQL, in the order of the state.
	Migrations []Migrations
}

// Migrations is what a resource that applies files of SQL did.
type Migrations struct {
	Name string
	// Files is the number of its files. This run applied so many of them, in so many steps.
	Files, Applied, Steps int
}

const (
	migrationsType = "tidbcloud:index:Migrations"
	commandType    = "command:local:Command"
	siteName       = "site" // of the command that deploys
)

// up runs an up. The last lines of the sandbox take the place of the outputs.
func (e *Engine) up(ctx context.Context, st auto.Stack) error {
	stream, ended := make(chan events.EngineEvent), make(chan struct{})
	seen := watched{ops: map[string]apitype.OpType{}, applied: map[string]int{}, steps: map[string]map[string]bool{}}
	go func() {
		defer close(ended)
		for event := range stream {
			seen.add(event)
		}
	}()
	_, err := st.Up(ctx, optup.SuppressOutputs(), optup.EventStreams(stream), optup.ProgressStreams(e.Stdout), optup.ErrorProgressStreams(e.Stderr))
	if err != nil || e.Done == nil {
		return err
	}
	<-ended
	state, err := e.State()
	if err == nil {
		*e.Done = seen.done(state)
	}
	return err
}

// watched is what the events of an up say, by the URN of a resource.
type watched struct {
	ops     map[string]apitype.OpType
	applied map[string]int
	steps   map[string]map[string]bool
}

// The messages of [portfolio-infra/internal/migrator]; the latter comes again while a step takes
// time.
var (
	appliedMessage = regexp.MustCompile(`^applied \S`)
	stepMessage    = regexp.MustCompile(`^applying .*, step \d+ of \d+`)
)

func (w *watched) add(event events.EngineEvent) {
	if done := event.ResOutputsEvent; done != nil {
		w.ops[done.Metadata.URN] = done.Metadata.Op
	}
	said := event.DiagnosticEvent
	if said == nil || said.URN == "" {
		return
	}
	message := strings.TrimSpace(said.Message)
	if appliedMessage.MatchString(message) {
		w.applied[said.URN]++
	}
	if step := stepMessage.FindString(message); step != "" {
		if w.steps[said.URN] == nil {
			w.steps[said.URN] = map[string]bool{}
		}
		w.steps[said.URN][step] = true
	}
}

// done adds what the state says.
func (w *watched) done(state apitype.DeploymentV3) (d Done) {
	deployed := false // in this run
	for _, r := range state.Resources {
		at := string(r.URN)
		switch {
		case r.Delete:
		case r.Type == migrationsType:
			files, _ := r.Inputs["files"].(map[string]any)
			d.Migrations = append(d.Migrations, Migrations{r.URN.Name(), len(files), w.applied[at], len(w.steps[at])})
		case r.Type == commandType && r.URN.Name() == siteName:
			deployed = w.ops[at] != "" && w.ops[at] != apitype.OpSame
		}
	}
	all := outputs(state)
	result, ok := all["deployment"].(map[string]any)
	if !ok {
		return d
	}
	d.Deployed = true
	d.Site, _ = all["siteUrl"].(string)
	files, _ := result["files"].(float64)
	sent, _ := result["uploaded"].(float64)
	if d.Files = int(files); deployed {
		d.Sent = int(sent)
	}
	return d
}

// outputs returns the outputs of a state, with secrets encrypted.
func outputs(state apitype.DeploymentV3) map[string]any {
	i := slices.IndexFunc(state.Resources, func(r apitype.ResourceV3) bool { return r.Type == resource.RootStackType })
	if i < 0 {
		return nil
	}
	return state.Resources[i].Outputs
}
