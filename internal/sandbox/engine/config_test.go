package engine

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"portfolio-infra/internal/testcheck"
)

// Nothing runs unless the addresses of the clouds are on this machine.
func TestEngine_checkAddresses(t *testing.T) {
	for name, test := range map[string]struct {
		file   string
		config map[string]any
		want   string // "" is no error
	}{
		"none":                   {file: "config:\n  portfolio:site: https://example.com\n"},
		"in the file":            {file: "config:\n  tidbcloud:iamEndpoint: https://iam.example.com/v1\n", want: "tidbcloud:iamEndpoint: "},
		"given for this run":     {config: map[string]any{"cloudflare:baseUrl": "https://api.cloudflare.com/client/v4"}, want: "cloudflare:baseUrl: "},
		"with a local user":      {config: map[string]any{"cloudflare:baseUrl": "http://127.0.0.1:80@example.com/"}, want: "cloudflare:baseUrl: "},
		"that only begins so":    {config: map[string]any{"cloudflare:baseUrl": "http://localhost.example.com/"}, want: "cloudflare:baseUrl: "},
		"on this machine":        {config: map[string]any{"cloudflare:baseUrl": "http://127.0.0.1:8080/client/v4", "tidbcloud:iamEndpoint": "http://[::1]:1/v1"}},
		"the file's, overridden": {file: "config:\n  cloudflare:baseUrl: https://example.com\n", config: map[string]any{"cloudflare:baseUrl": "http://localhost:1"}},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEngine(t, "name: portfolio\n", test.file)
			e.Config = test.config
			err := e.writeProject()
			testcheck.Error(t, err, test.want)
			if _, stat := os.Stat(filepath.Join(e.path("project"), "Pulumi.dev.yaml")); err != nil && stat == nil {
				t.Error("the configuration was written")
			}
		})
	}
}

// noMocks is an engine that is asked for nothing.
type noMocks struct{ pulumi.MockResourceMonitor }

// The program gets the configuration as the language host gives it.
func TestEngine_programConfig(t *testing.T) {
	e := newEngine(t, "name: shop\nconfig:\n  region: {default: here}\n  more: {type: object}\n", "config:\n  web:a: one\n")
	e.Config = map[string]any{"b": "two"}
	e.copies(t)
	values := map[string]string{"shop:region": "here", "web:a": "one", "shop:b": "two", "shop:protect": "false"}
	var have string
	err := pulumi.RunErr(func(ctx *pulumi.Context) error {
		have = e.getenv(ctx, nil)(pulumi.EnvConfig)
		return nil
	}, pulumi.WithMocks("shop", "dev", noMocks{}), func(info *pulumi.RunInfo) { info.Config = values })
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]string
	if err := json.Unmarshal([]byte(have), &all); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(values, all); diff != "" {
		t.Error(diff)
	}
}
