package rest

import (
	"cmp"
	"context"
	"net"
	"net/http"
	"sync"
	"time"
)

// MaxWait is the longest wait that an API may ask for: two windows of a rate limit per minute.
const MaxWait = 2 * time.Minute

const (
	// defaultTimeout limits each try, including the bodies.
	defaultTimeout = 30 * time.Second

	// maxTries limits the tries of one call.
	maxTries = 5

	// maxJSON is the longest JSON response that is read, in bytes. The longest real one, a
	// page of a hundred clusters, has less than a tenth of it.
	maxJSON = 10 << 20

	// maxOther is the longest other response that is read, in bytes. The largest Worker, in a
	// multipart response, is shorter.
	// https://developers.cloudflare.com/workers/platform/limits/#worker-size
	maxOther = 80 << 20
)

// Client is a client of one JSON API. A struct literal with Service and BaseURL is ready to
// use. A Client is safe for concurrent use, but its fields must not change after the first call.
type Client struct {
	// Service is the name of the API, such as "TiDB Cloud". Each error begins with it.
	Service string

	// BaseURL precedes each path, such as https://serverless.tidbapi.com/v1beta1. It has no
	// slash at the end. See [CheckBaseURL].
	BaseURL string

	// HTTP sends the requests. Its Transport may add authentication. Its Timeout is ignored:
	// see AttemptTimeout. Its CheckRedirect is ignored: a redirect is an error, since it would
	// take the credentials elsewhere. Default: a client with [NewTransport].
	HTTP *http.Client

	// AttemptTimeout limits each try, including the bodies.
	// Default: 30 s.
	AttemptTimeout time.Duration

	// Header is sent with each request, such as Authorization. No error shows it.
	Header http.Header

	// DecodeError returns the code and the message of an error response, whose body is JSON.
	// Default: errors show neither.
	DecodeError func(status int, header http.Header, body []byte) (code, message string)

	// CheckBody reports whether a 2xx with a JSON body is a success, for APIs that respond 200
	// with "success": false. If it is not, the call fails with an [Error] of that status,
	// which is neither retryable nor ambiguous. Default: every 2xx is a success.
	CheckBody func(status int, body []byte) bool

	// Suggestion returns one sentence that says what to do about an error, or "". It is called
	// when all other fields of the error are set. Default: none.
	Suggestion func(*Error) string

	// RequestIDHeaders are the response headers that may have the request's ID, the best one
	// first, such as X-Debug-Trace-Id or Cf-Ray.
	RequestIDHeaders []string

	// OnWait is called before each wait between two tries. It must not block.
	// Default: waits are silent.
	OnWait func(ctx context.Context, d time.Duration, reason string)
}

// ResponseDecoder decodes a response that is not JSON. Pass it to [Client.Do] as out.
type ResponseDecoder interface {
	DecodeResponse(header http.Header, body []byte) error
}

// Object is the out of a call whose response does not matter. Anything but a JSON object is an
// error: it comes from something in between.
type Object map[string]any

// Do makes one call. It sends in as JSON, unless it is nil or a [Body], and decodes the response
// into out, unless that is nil. path begins with a slash and may end in a query; [Path] makes
// it. The error is an [*Error]. The package comment says what is retried.
func (c *Client) Do(ctx context.Context, method, path string, in, out any) error {
	return c.do(ctx, method, path, in, out, isRead(method))
}

// DoIdempotent is [Client.Do] for a write that is retried even if it may have taken effect,
// because a second one changes nothing.
func (c *Client) DoIdempotent(ctx context.Context, method, path string, in, out any) error {
	return c.do(ctx, method, path, in, out, true)
}

func (c *Client) attemptTimeout() time.Duration { return cmp.Or(c.AttemptTimeout, defaultTimeout) }

// NewTransport returns the default transport of a [Client]. It is that of net/http with a
// shorter dial timeout: it pools connections, and uses the environment's proxy except for
// loopback addresses.
func NewTransport() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	// This is shorter than a try. So if the host drops packets, the request counts as never
	// sent, and a write may be retried.
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
