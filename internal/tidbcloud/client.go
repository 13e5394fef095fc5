package tidbcloud

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"time"

	"portfolio-infra/internal/rest"
)

// Base URLs of the real APIs.
const (
	DefaultServerlessURL = "https://serverless.tidbapi.com/v1beta1"
	DefaultIAMURL        = "https://iam.tidbapi.com/v1beta1"
)

// Client talks to TiDB Cloud. A struct literal with the two keys is usable. It may
// be used by several goroutines at once; its fields must not be changed after the
// first call.
type Client struct {
	// PublicKey and PrivateKey are an API key of an organization, made under
	// Organization Settings > API Keys.
	// https://docs.pingcap.com/tidbcloud/api/v1beta1/serverless/#section/Authentication
	PublicKey, PrivateKey string

	// ServerlessURL is the base URL of the API of clusters, https unless it is a
	// loopback address. Default: [DefaultServerlessURL].
	ServerlessURL string

	// IAMURL is the base URL of the API of SQL users, with the same rule.
	// Default: [DefaultIAMURL].
	IAMURL string

	// OnWait is called before each wait between two tries of a call, such as one
	// that the rate limit of 100 requests a minute and key asks for. Default:
	// silent.
	OnWait func(ctx context.Context, d time.Duration, why string)

	// Transport carries the requests below the authentication. Default:
	// [rest.NewTransport].
	Transport http.RoundTripper

	once       sync.Once
	serverless *rest.Client
	iam        *rest.Client
}

func (c *Client) clustersAPI() *rest.Client {
	c.once.Do(c.connect)
	return c.serverless
}

func (c *Client) usersAPI() *rest.Client {
	c.once.Do(c.connect)
	return c.iam
}

func (c *Client) connect() {
	c.serverless = c.api(c.ServerlessURL, DefaultServerlessURL)
	c.iam = c.api(c.IAMURL, DefaultIAMURL)
}

// api makes the client of one base URL. Each has a digest transport of its own,
// because that keeps one challenge for a host name, whatever the port.
func (c *Client) api(base, fallback string) *rest.Client {
	if base == "" {
		base = fallback
	}
	below := c.Transport
	if below == nil {
		below = rest.NewTransport()
	}
	return &rest.Client{
		Service:          "TiDB Cloud",
		BaseURL:          strings.TrimRight(base, "/"),
		HTTP:             &http.Client{Transport: newDigest(c.PublicKey, c.PrivateKey, below)},
		DecodeError:      decodeError,
		Suggestion:       suggest,
		RequestIDHeaders: []string{"X-Debug-Trace-Id", "X-Request-Id"},
		OnWait:           c.OnWait,
	}
}
