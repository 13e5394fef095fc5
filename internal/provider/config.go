package provider

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/infer"

	"portfolio-infra/internal/rest"
	"portfolio-infra/internal/tidbcloud"
)

var (
	_ infer.CustomConfigure = (*Config)(nil)
	_ infer.Annotated       = (*Config)(nil)
)

// Config is the provider's configuration. What is unset comes from the environment, and stays in
// memory: a default in the schema would get into the stack's state.
type Config struct {
	PublicKey          *string `pulumi:"publicKey,optional"`
	PrivateKey         *string `pulumi:"privateKey,optional" provider:"secret"`
	ServerlessEndpoint *string `pulumi:"serverlessEndpoint,optional"`
	IAMEndpoint        *string `pulumi:"iamEndpoint,optional"`

	transport http.RoundTripper
	mu        sync.Mutex
	client    *tidbcloud.Client
	err       error
}

// connector returns the client, or why there is none. Resources call it just before their first
// request, so that operations without requests need no key.
type connector func() (*tidbcloud.Client, error)

// Annotate implements [infer.Annotated].
func (c *Config) Annotate(a infer.Annotator) {
	a.Describe(&c.PublicKey, "Public key of a TiDB Cloud API key. Default: the environment's TIDBCLOUD_PUBLIC_KEY.")
	a.Describe(&c.PrivateKey, "Private key of the API key. Default: the environment's TIDBCLOUD_PRIVATE_KEY, which never enters the state.")
	a.Describe(&c.ServerlessEndpoint, "Base URL of the cluster API, https unless it is a loopback address. "+
		"Default: TIDBCLOUD_SERVERLESS_ENDPOINT, else "+tidbcloud.DefaultServerlessURL+".")
	a.Describe(&c.IAMEndpoint, "Base URL of the IAM API (SQL users), https unless it is a loopback address. "+
		"Default: TIDBCLOUD_IAM_ENDPOINT, else "+tidbcloud.DefaultIAMURL+".")
}

// Configure implements [infer.CustomConfigure]. It keeps its error for [Config.connect].
func (c *Config) Configure(context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.client, c.err = c.build()
	return nil
}

// diffConfig compares configurations. No change replaces the provider, since that would replace all
// its resources. Their own diffs tell whether the clusters still exist.
//
// It takes the place of infer's, which replaces on any change
// (https://github.com/pulumi/pulumi-go-provider/issues/409). A CustomDiff does not work: infer
// decodes the old configuration into the value that Configure uses next, so a key would outlive
// its removal (infer/configuration.go of v1.5.0, diffConfig).
func diffConfig(_ context.Context, req p.DiffRequest) (p.DiffResponse, error) {
	d := newDiff()
	for _, key := range []string{"publicKey", "privateKey", "serverlessEndpoint", "iamEndpoint"} {
		if old, want := req.State.Get(key), req.Inputs.Get(key); !old.WithSecret(false).Equals(want.WithSecret(false)) {
			d.properties[key] = p.PropertyDiff{Kind: p.Update, InputDiff: true}
		}
	}
	return p.DiffResponse{HasChanges: len(d.properties) > 0, DetailedDiff: d.properties}, nil
}

// connect is a [connector].
func (c *Config) connect() (*tidbcloud.Client, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.client == nil && c.err == nil {
		return nil, errors.New("the provider is not configured yet")
	}
	return c.client, c.err
}

// build returns the client, or one error with all problems.
func (c *Config) build() (*tidbcloud.Client, error) {
	publicKey := setting{c.PublicKey, "tidbcloud:publicKey", "TIDBCLOUD_PUBLIC_KEY"}
	privateKey := setting{c.PrivateKey, "tidbcloud:privateKey", "TIDBCLOUD_PRIVATE_KEY"}
	serverless := setting{c.ServerlessEndpoint, "tidbcloud:serverlessEndpoint", "TIDBCLOUD_SERVERLESS_ENDPOINT"}
	iam := setting{c.IAMEndpoint, "tidbcloud:iamEndpoint", "TIDBCLOUD_IAM_ENDPOINT"}

	var problems, missing []string
	for _, key := range []setting{publicKey, privateKey} {
		if key.value() == "" {
			missing = append(missing, key.String())
		}
	}
	if len(missing) > 0 {
		problems = append(problems, fmt.Sprintf("no TiDB Cloud API key: set %s; create a key under Organization Settings > API Keys "+
			"in the console, https://tidbcloud.com", strings.Join(missing, " and ")))
	}
	for _, endpoint := range []setting{serverless, iam} {
		if endpoint.value() == "" {
			continue
		}
		if err := rest.CheckBaseURL(endpoint.value()); err != nil {
			problems = append(problems, fmt.Sprintf("%s is invalid: %v", endpoint, err))
		}
	}
	if len(problems) > 0 {
		return nil, errors.New(strings.Join(problems, "; "))
	}
	return &tidbcloud.Client{
		PublicKey:     publicKey.value(),
		PrivateKey:    privateKey.value(),
		ServerlessURL: serverless.value(),
		IAMURL:        iam.value(),
		Transport:     c.transport,
		OnWait: func(ctx context.Context, d time.Duration, why string) {
			p.GetLogger(ctx).InfoStatusf("%s, trying again in %s", why, rest.Seconds(d))
		},
	}, nil
}

// setting is a configuration value with its two names.
type setting struct {
	configured *string
	key, env   string
}

// value returns the configured value, or else the environment's.
func (s setting) value() string {
	return strings.TrimSpace(cmp.Or(orZero(s.configured), os.Getenv(s.env)))
}

func (s setting) String() string { return fmt.Sprintf("%s (or the environment's %s)", s.key, s.env) }
