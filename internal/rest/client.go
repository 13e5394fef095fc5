package rest

import (
	"cmp"
	"context"
	"net"
	"net/http"
	"sync"
	"time"
)

// MaxWait is the longest single wait that an API may ask for: two windows of a rate
// limit that is counted per minute.
const MaxWait = 2 * time.Minute

const (
	// defaultTimeout limits each try, reading the body included.
	defaultTimeout = 30 * time.Second

	// maxTries limits the tries of one call.
	maxTries = 5

	// maxJSON is the longest JSON response that is read, in bytes. The longest real
	// one, a page of a hundred clusters, is well below a tenth of it.
	maxJSON = 10 << 20

	// maxOther is the longest response that is not JSON, in bytes: more than the largest
	// Worker in a multipart response.
	// https://developers.cloudflare.com/workers/platform/limits/#worker-size
	maxOther = 80 << 20
)

// Client is a client of one JSON API. A struct literal with Service and BaseURL is
// ready to use. A Client is safe for concurrent use; its fields must not be
// changed after the first call.
type Client struct {
	// Service is the name of the API, such as "TiDB Cloud". Each error begins with it.
	Service string

	// BaseURL precedes each path, such as https://serverless.tidbapi.com/v1beta1. It
	// has no trailing slash. See [CheckBaseURL].
	BaseURL string

	// HTTP sends the requests. Its Transport may add authentication. Its Timeout and
	// CheckRedirect are ignored: each try has the timeout below, and a redirect is an
	// error, since following it would send credentials elsewhere.
	// Default: a client with [NewTransport].
	HTTP *http.Client

	// AttemptTimeout limits each try, sending and reading the bodies included.
	// Default: 30 s.
	AttemptTimeout time.Duration

	// Header is sent with each request (Authorization, User-Agent). Errors never
	// show it.
	Header http.Header

	// DecodeError returns the API's error code and message from the JSON body of a
	// response that is an error. Default: neither is shown.
	DecodeError func(status int, header http.Header, body []byte) (code, message string)

	// CheckBody reports whether a 2xx with a JSON body is a success, for APIs that
	// respond 200 with "success": false. If not, the call fails with an [Error] of
	// that status, which is neither retryable nor ambiguous. Default: it is.
	CheckBody func(status int, body []byte) bool

	// Suggestion returns one sentence that says what to do about an error, or "". All
	// other fields of the error are set. Default: none.
	Suggestion func(*Error) string

	// RequestIDHeaders are the response headers that may have the API's ID of the
	// request, best first, such as X-Debug-Trace-Id or Cf-Ray.
	RequestIDHeaders []string

	// OnWait is called before each wait between tries with its length and reason. It
	// must not block. Default: waits are silent.
	OnWait func(ctx context.Context, d time.Duration, reason string)
}

// ResponseDecoder is an out of [Client.Do] that decodes the response itself, because it
// is not JSON.
type ResponseDecoder interface {
	DecodeResponse(header http.Header, body []byte) error
}

// Do makes one call: in is sent as JSON unless it is nil or a [Body], and the response is
// decoded into out unless nil. path begins with a slash, may end in a query, and should come from [Path].
// The error is an [*Error]. See the package's comment for what is retried.
func (c *Client) Do(ctx context.Context, method, path string, in, out any) error {
	return c.do(ctx, method, path, in, out, isRead(method))
}

// DoIdempotent is [Client.Do] for a write that is retried even if it may have been carried
// out, because the second one changes nothing.
func (c *Client) DoIdempotent(ctx context.Context, method, path string, in, out any) error {
	return c.do(ctx, method, path, in, out, true)
}

func (c *Client) attemptTimeout() time.Duration { return cmp.Or(c.AttemptTimeout, defaultTimeout) }

// NewTransport returns the default transport of a [Client]: that of net/http, which pools
// connections and uses the environment's proxy except for loopback addresses, with a
// shorter dial timeout.
func NewTransport() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	// Shorter than a try, so that with a host that drops packets the request counts
	// as never sent, and a write may be retried.
	t.DialContext = (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext
	return t
}

// sharedTransport serves all clients without their own, so that they share connections.
var sharedTransport = sync.OnceValue(NewTransport)

// httpClient returns the client for a single try.
func (c *Client) httpClient() *http.Client {
	hc := http.Client{Transport: sharedTransport()}
	if c.HTTP != nil {
		hc = *c.HTTP
	}
	hc.Timeout = 0
	hc.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &hc
}
