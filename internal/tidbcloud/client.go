package tidbcloud

import (
	"cmp"
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

// Client is a client of TiDB Cloud. A struct literal with the two keys is ready to use. A Client
// is safe for concurrent use, but its fields must not change after the first call.
type Client struct {
	// PublicKey and PrivateKey are an organization's API key. The console makes one under
	// Organization Settings > API Keys.
	// https://docs.pingcap.com/tidbcloud/api/v1beta1/serverless/#section/Authentication
	PublicKey, PrivateKey string

	// ServerlessURL is the base URL of the API of clusters. It is https unless its host is a
	// loopback address. Default: [DefaultServerlessURL].
	ServerlessURL string

	// IAMURL is the base URL of the API of SQL users. The same rule holds.
	// Default: [DefaultIAMURL].
	IAMURL string

	// OnWait is called before each wait between two tries of a call. The usual reason is the
	// rate limit of 100 requests a minute for a key. Default: waits are silent.
	OnWait func(ctx context.Context, d time.Duration, reason string)

	// Transport sends the authenticated requests. Default: [rest.NewTransport].
	Transport http.RoundTripper

	once            sync.Once
	serverless, iam *rest.Client
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
	c.serverless = c.newAPI(cmp.Or(c.ServerlessURL, DefaultServerlessURL))
	c.iam = c.newAPI(cmp.Or(c.IAMURL, DefaultIAMURL))
}

// newAPI returns the client of one base URL. Each client has its own digest transport, because
// that keeps one challenge for a host name, whatever the port.
func (c *Client) newAPI(base string) *rest.Client {
	transport := c.Transport
	if transport == nil {
		transport = rest.NewTransport()
	}
	return &rest.Client{
		Service:          "TiDB Cloud",
		BaseURL:          strings.TrimRight(base, "/"),
		HTTP:             &http.Client{Transport: newDigest(c.PublicKey, c.PrivateKey, transport)},
		DecodeError:      decodeError,
		Suggestion:       suggest,
		RequestIDHeaders: []string{"X-Debug-Trace-Id", "X-Request-Id"},
		OnWait:           c.OnWait,
	}
}
