// Command real registers two resources of the Cloudflare SDK with a mock engine, and prints what the engine was told and
// what some of their outputs came to.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"sync"

	"github.com/pulumi/pulumi-cloudflare/sdk/v6/go/cloudflare"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// registration is what the engine is told of a resource.
type registration struct {
	Token  string
	Name   string
	Inputs map[string]any
}

// engine remembers what it is told.
type engine struct {
	mu         sync.Mutex
	Registered []registration
	Resolved   []any // what outputs of the resources came to
}

func (e *engine) NewResource(args pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.Registered = append(e.Registered, registration{args.TypeToken, args.Name, args.Inputs.Mappable()})
	return args.Name, args.Inputs, nil
}

func (e *engine) Call(args pulumi.MockCallArgs) (resource.PropertyMap, error) {
	return nil, fmt.Errorf("unexpected call of %s", args.Token)
}

func (e *engine) deploy(ctx *pulumi.Context) error {
	worker, err := cloudflare.NewWorkersScript(ctx, "api", &cloudflare.WorkersScriptArgs{
		AccountId:  pulumi.String("account"),
		ScriptName: pulumi.String("portfolio-api"),
		Content:    pulumi.String("export default {}"),
		MainModule: pulumi.String("worker.js"),
		Bindings: cloudflare.WorkersScriptBindingArray{
			cloudflare.WorkersScriptBindingArgs{
				Name: pulumi.String("PULUMI_STACK"),
				Type: pulumi.String("plain_text"),
				Text: pulumi.Sprintf("%s/%s", ctx.Project(), ctx.Stack()),
			},
		},
		Observability: cloudflare.WorkersScriptObservabilityArgs{Enabled: pulumi.Bool(true)},
	})
	if err != nil {
		return err
	}
	project, err := cloudflare.NewPagesProject(ctx, "site", &cloudflare.PagesProjectArgs{
		AccountId:        worker.AccountId,
		Name:             pulumi.String("portfolio"),
		ProductionBranch: pulumi.String("main"),
	})
	if err != nil {
		return err
	}
	pulumi.All(
		worker.Observability.Enabled(),
		worker.Bindings.Index(pulumi.Int(0)).Text(),
		project.ToPagesProjectOutput().Name(),
	).ApplyT(func(values []any) any {
		e.Resolved = values
		return nil
	})
	return nil
}

func main() {
	var mock engine
	if err := pulumi.RunErr(mock.deploy, pulumi.WithMocks("portfolio", "dev", &mock)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if err := json.NewEncoder(os.Stdout).Encode(&mock); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
