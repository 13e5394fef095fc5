// Diffconfig asks a provider of pulumi-go-provider's infer what a change of its
// configuration means. It prints UpdateReplace, which the engine takes for the
// replacement of every resource of the provider.
//
//	go run -trimpath internal/pages/testdata/upstream/diffconfig/main.go
package main

import (
	"context"
	"fmt"
	"log"

	"github.com/blang/semver"
	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/infer"
	"github.com/pulumi/pulumi-go-provider/integration"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
)

type config struct {
	Token string `pulumi:"token"`
}

func main() {
	provider := infer.Provider(infer.Options{Config: infer.Config(&config{})})
	server, err := integration.NewServer(context.Background(), "example", semver.MustParse("1.0.0"), integration.WithProvider(provider))
	if err != nil {
		log.Fatal(err)
	}
	diff, err := server.DiffConfig(p.DiffRequest{
		State:     property.NewMap(map[string]property.Value{"token": property.New("old")}),
		OldInputs: property.NewMap(map[string]property.Value{"token": property.New("old")}),
		Inputs:    property.NewMap(map[string]property.Value{"token": property.New("new")}),
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("token:", diff.DetailedDiff["token"].Kind)
}
