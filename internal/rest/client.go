package rest

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/hashicorp/go-cleanhttp"
)

// Defaults of [Client]'s fields.
const (
	DefaultAttemptTimeout = 30 * time.Second
	DefaultMaxWait        = 2 * time.Minute
	DefaultRetries        = 4
)

// maxBody is the longest answer that is read, in bytes. The longest real one, a
// page of a hundred clusters, is well below a tenth of it.
const maxBody = 10 << 20

// maxRaw is the longest answer that is taken as it is, in bytes: more than the
// largest Worker with all that is around it in a multipart answer.
// https://developers.cloudflare.com/workers/platform/limits/#worker-size
const maxRaw = 80 << 20

// Raw is an answer that is not JSON. An out of this type takes the body as it is.
type Raw struct {
	Header http.Header
	Body   []byte
}

// Client talks JSON to one API. A struct literal with Service and BaseURL is
// usable. It may be used by several goroutines at once; its fields must not be
// changed after the first call.
type Client struct {
	// Service is the API's name for people, such as "TiDB Cloud". Each error
	// begins with it.
	Service string

	// BaseURL is what each path is appended to, without a trailing slash, such
	// as https://serverless.tidbapi.com/v1beta1. See [CheckBaseURL].
	BaseURL string

	// HTTP sends the requests; its Transport may add authentication. Its Timeout
	// and CheckRedirect are not used: each try has AttemptTimeout, and a redirect
	// is an error, since following it would carry credentials to another place.
	// Default: a client on [NewTransport].
	HTTP *http.Client

	// Header is sent with each request (Authorization, User-Agent). It never
	// appears in an error.
	Header http.Header

	// DecodeError reads the API's error code and message from a JSON body. It is
	// asked for each answer that is an error. Default: neither is shown.
	DecodeError func(status int, header http.Header, body []byte) (code, message string)

	// CheckBody tells whether a 2xx with a JSON body is a success. It is for APIs
	// that answer 200 with "success": false; such an answer becomes an [Error]
	// with that status, is not repeated and is not unclear. Default: it is one.
	CheckBody func(status int, body []byte) bool

	// Advice gives one sentence of what to do about an error, or "". All other
	// fields are set when it is asked. Default: none.
	Advice func(*Error) string

	// RequestIDHeaders name the response headers that may hold the API's id of
	// the request, the best first, such as X-Debug-Trace-Id or Cf-Ray.
	RequestIDHeaders []string

	// OnWait is called before each wait between two tries, with its length and
	// the reason. It must return soon. Default: waits are silent.
	OnWait func(ctx context.Context, d time.Duration, why string)

	// AttemptTimeout ends a try that was not answered, body included.
	// Default: 30 s.
	AttemptTimeout time.Duration

	// MaxWait is the longest single wait that the API may ask for. If it asks for
	// more, the call fails at once and says so. Default: 2 min, twice the minute
	// in which rate limits are counted.
	MaxWait time.Duration

	// Retries is how often a failed try is repeated. Negative: never. Default: 4.
	Retries int
}

// Do makes one call: in is sent as JSON unless nil, and the answer is decoded
// into out unless nil; an out of type *[Raw] takes it as it is. path begins with a slash, may end in a query, and should
// come from [Path]. The error is an [*Error]. See the package's comment for what
// is repeated.
func (c *Client) Do(ctx context.Context, method, path string, in, out any) error {
	read := method == http.MethodGet || method == http.MethodHead
	return c.do(ctx, method, path, in, out, read)
}

// DoIdempotent is [Client.Do] for a write that may be sent again when it is
// unclear whether it was carried out, because the second one changes nothing.
func (c *Client) DoIdempotent(ctx context.Context, method, path string, in, out any) error {
	return c.do(ctx, method, path, in, out, true)
}

// NewTransport returns the transport that a [Client] uses by default: pooled
// connections, 10 s for making one, and the proxy that the usual environment
// variables name, except for loopback addresses, which are always reached
// directly.
func NewTransport() *http.Transport {
	t := cleanhttp.DefaultPooledTransport()
	// Shorter than a try, so that a host that drops packets counts as "never
	// sent" and a write may be repeated.
	t.DialContext = (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext
	return t
}

// sharedTransport is one for all clients without their own, so that connections are
// used again.
var sharedTransport = sync.OnceValue(NewTransport)

// httpClient returns the client of a single try.
func (c *Client) httpClient() *http.Client {
	hc := &http.Client{Transport: sharedTransport()}
	if c.HTTP != nil {
		copied := *c.HTTP
		hc = &copied
	}
	hc.Timeout = 0
	hc.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return hc
}

func (c *Client) attemptTimeout() time.Duration {
	if c.AttemptTimeout > 0 {
		return c.AttemptTimeout
	}
	return DefaultAttemptTimeout
}

func (c *Client) maxWait() time.Duration {
	if c.MaxWait > 0 {
		return c.MaxWait
	}
	return DefaultMaxWait
}

func (c *Client) retries() int {
	switch {
	case c.Retries < 0:
		return 0
	case c.Retries == 0:
		return DefaultRetries
	}
	return c.Retries
}
