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
)

// Name is the provider's package name: its tokens begin with it, and its stack
// configuration is tidbcloud:publicKey and so on.
const Name = "tidbcloud"

// Version is the plugin's version, a semantic one without "v". Set it by
// -ldflags "-X portfolio-infra/internal/provider.Version=…".
var Version = "1.0.0"

// Options change what the provider is built on. The zero value is the real thing.
type Options struct {
	// Transport carries the requests to TiDB Cloud, below the authentication.
	// Default: rest.NewTransport.
	Transport http.RoundTripper

	// Dial connects to a cluster's SQL endpoint, below TLS. Default: [net.Dialer].
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

// New returns the provider.
func New(o Options) p.Provider {
	config := &Config{transport: o.Transport}
	return infer.Provider(infer.Options{
		Metadata: schema.Metadata{
			DisplayName: "TiDB Cloud",
			Description: "TiDB Cloud Starter and Essential: clusters, SQL users and databases.",
			Keywords:    []string{"pulumi", "tidb", "tidbcloud", "category/database"},
			Homepage:    "https://tidbcloud.com",
			License:     "Apache-2.0",
		},
		Config: infer.Config(config),
		Resources: []infer.InferredResource{
			infer.Resource(&Cluster{connect: config.connect}),
			infer.Resource(&SQLUser{connect: config.connect}),
			infer.Resource(&Database{connect: config.connect, sql: sqlOpener{dial: o.Dial}}),
		},
		// The Go package's name is the module unless told otherwise.
		ModuleMap: map[tokens.ModuleName]tokens.ModuleName{"provider": "index"},
	})
}

// Main serves the provider to the Pulumi engine until it is told to stop, and
// returns the exit code.
func Main() int {
	if err := New(Options{}).Run(context.Background(), Name, Version); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}
