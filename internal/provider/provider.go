package provider

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/infer"
	"github.com/pulumi/pulumi-go-provider/middleware/schema"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
)

// Name is the provider's package name: its tokens begin with it, and its stack
// configuration is tidbcloud:publicKey and so on.
const Name = "tidbcloud"

// Version is the semantic version of the plugin, without "v". Set it with
// -ldflags "-X portfolio-infra/internal/provider.Version=…".
var Version = "1.0.0"

// Options replace the provider's connections, for tests.
type Options struct {
	// Transport sends the authenticated requests to TiDB Cloud. Default: that of
	// [tidbcloud.Client].
	Transport http.RoundTripper

	// Dial connects to a cluster's SQL server, before TLS. Default: [net.Dialer].
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

// resource is what each resource implements.
type resource[Args, State any] interface {
	infer.Annotated
	infer.ExplicitDependencies[Args, State]
	infer.CustomCreate[Args, State]
	infer.CustomRead[Args, State]
	infer.CustomUpdate[Args, State]
	infer.CustomDelete[State]
	infer.CustomCheck[Args]
	infer.CustomDiff[Args, State]
}

// New returns the provider.
func New(o Options) p.Provider {
	config := &Config{transport: o.Transport}
	sql, lists := &sqlOpener{dial: o.Dial}, newUserLists()
	inferred := infer.Provider(infer.Options{
		Metadata: schema.Metadata{
			DisplayName: "TiDB Cloud",
			Description: "TiDB Cloud Starter and Essential: clusters, branches, SQL users, databases and their migrations.",
			Keywords:    []string{"pulumi", "tidb", "tidbcloud", "category/database"},
			Homepage:    "https://tidbcloud.com",
			// There is no published SDK, and so no repository, license or download URL. `pulumi
			// package add` makes one in the user's program. This is its path in Go, there and in what
			// `pulumi import` prints; otherwise it would be example.com/pulumi-tidbcloud (codegen/go,
			// ExtractModulePath).
			Publisher:   "portfolio-infra",
			LanguageMap: map[string]any{"go": map[string]any{"importBasePath": "portfolio-infra/sdk/go/tidbcloud"}},
		},
		Config: infer.Config(config),
		Resources: []infer.InferredResource{
			infer.Resource(&Cluster{connect: config.connect, lists: lists}),
			infer.Resource(&Branch{connect: config.connect, sql: sql}),
			infer.Resource(&SQLUser{connect: config.connect, sql: sql, lists: lists}),
			infer.Resource(&Database{connect: config.connect, sql: sql}),
			infer.Resource(&Migrations{sql: sql}),
		},
		Functions: []infer.InferredFunction{infer.Function(&GetStamp{})},
		// The Go package's name is the module unless told otherwise.
		ModuleMap: map[tokens.ModuleName]tokens.ModuleName{"provider": "index"},
	})
	inferred.DiffConfig = diffConfig
	inferred.Update = hidePassword(inferred.Update)
	return inferred
}

type updateFunc func(context.Context, p.UpdateRequest) (p.UpdateResponse, error)

// hidePassword makes the password unknown if the preview of an update returns none, so that the
// preview shows what else changes with it. infer does that only for outputs whose inputs
// changed.
func hidePassword(update updateFunc) updateFunc {
	return func(ctx context.Context, req p.UpdateRequest) (p.UpdateResponse, error) {
		resp, err := update(ctx, req)
		password := resp.Properties.Get("password")
		sets := req.Urn.Type() == "tidbcloud:index:SqlUser" || req.Urn.Type() == "tidbcloud:index:Branch"
		if req.DryRun && sets && password.IsString() && password.AsString() == "" {
			resp.Properties = resp.Properties.Set("password", property.New(property.Computed).WithSecret(true))
		}
		return resp, err
	}
}

// Main serves the provider to the Pulumi engine until the engine ends it, and returns the
// exit code.
func Main() int {
	if err := New(Options{}).Run(context.Background(), Name, Version); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}
