package rest

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

// call is one [Client.Do]. It is the transport that go-retryablehttp sends each
// try through, and the policy that it asks between them.
type call struct {
	client *Client
	http   *http.Client
	method string
	url    string // as errors show it
	out    any
	// repeatable: sending it again does no harm even if it was carried out.
	repeatable bool
	sent       bool // the request has a body

	tries   int
	failure *Error        // of the last try, nil when it succeeded
	unclear bool          // some try may have taken effect
	wait    time.Duration // before the next try
}

func (c *Client) do(ctx context.Context, method, path string, in, out any, repeatable bool) error {
	k := &call{client: c, http: c.httpClient(), method: method, out: out, repeatable: repeatable, sent: in != nil}
	if err := CheckBaseURL(c.BaseURL); err != nil {
		return &Error{Service: c.Service, Method: method, URL: "(base URL)", Err: err}
	}
	shown, _, _ := strings.Cut(path, "?")
	k.url = c.BaseURL + shown
	if err := checkPath(path); err != nil {
		return k.fail(0, err)
	}
	var body any // an untyped nil means no body to retryablehttp
	if in != nil {
		data, err := json.Marshal(in)
		if err != nil {
			return k.fail(0, fmt.Errorf("encoding the request: %w", err))
		}
		body = data
	}
	req, err := retryablehttp.NewRequestWithContext(ctx, method, c.BaseURL+path, body)
	if err != nil {
		return k.fail(0, err)
	}
	for name, values := range c.Header {
		req.Header[http.CanonicalHeaderKey(name)] = values
	}
	req.Header.Set("Accept", "application/json")
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}

	// A client a call costs little and lets the hooks know their call.
	loop := &retryablehttp.Client{
		HTTPClient:   &http.Client{Transport: k},
		RetryMax:     c.retries(),
		CheckRetry:   k.again,
		Backoff:      func(time.Duration, time.Duration, int, *http.Response) time.Duration { return 0 },
		PrepareRetry: k.pause,
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}
	resp, err := loop.Do(req)
	if err == nil {
		return resp.Body.Close() // http.NoBody
	}
	if k.failure == nil {
		return k.fail(0, err) // net/http refused the request before the first try
	}
	k.failure.endedBy(ctx.Err())
	k.failure.Unclear = k.unclear
	if c.Advice != nil {
		k.failure.Advice = c.Advice(k.failure)
	}
	return k.failure
}

// again is retryablehttp's CheckRetry.
func (k *call) again(ctx context.Context, _ *http.Response, _ error) (bool, error) {
	if k.failure == nil || !k.failure.repeat || ctx.Err() != nil {
		return false, nil
	}
	k.wait = nextWait(k.failure.RetryAfter, k.tries)
	return k.client.worthWaiting(ctx, k.wait), nil
}

// pause is retryablehttp's PrepareRetry. The wait is here and not in Backoff,
// because here it can be announced with its reason and ended with an error.
func (k *call) pause(req *http.Request) error {
	if k.client.OnWait != nil {
		k.client.OnWait(req.Context(), k.wait, k.failure.why())
	}
	return Sleep(req.Context(), k.wait)
}

// RoundTrip is one try: it sends, reads the whole answer and decodes it.
func (k *call) RoundTrip(req *http.Request) (*http.Response, error) {
	k.tries++
	k.failure = k.try(req)
	if k.failure != nil {
		k.unclear = k.unclear || k.failure.Unclear
		return nil, k.failure
	}
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Request: req}, nil
}

func (k *call) try(req *http.Request) *Error {
	ctx, cancel := context.WithTimeout(req.Context(), k.client.attemptTimeout())
	defer cancel()
	resp, err := k.http.Do(req.WithContext(ctx))
	if err != nil {
		return k.unsent(ctx, req.Context(), err)
	}
	defer resp.Body.Close()
	raw, isRaw := k.out.(*Raw)
	limit := maxBody
	if isRaw {
		limit = maxRaw
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, int64(limit)+1))
	if err != nil {
		err = k.cause(ctx, req.Context(), err)
	}

	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		// An error's body is a help, not a need: it may be missing, cut off, or
		// closed (a digest transport does that with a 401 without challenge).
		return k.refused(resp, body)
	}
	switch {
	case err != nil:
		return k.unreadable(resp, fmt.Errorf("reading the answer: %w", err), true)
	case k.out == nil && len(body) == 0:
		return nil
	case len(body) > limit:
		return k.unreadable(resp, fmt.Errorf("the answer is longer than %d MiB", limit>>20), false)
	case k.out != nil && len(body) == 0:
		return k.unreadable(resp, errors.New("the answer is empty"), true)
	case isRaw:
		*raw = Raw{resp.Header, body}
		return nil
	case k.out != nil && !json.Valid(body):
		return k.unreadable(resp, fmt.Errorf("the answer is no JSON: %s", k.describe(resp, body)), true)
	}
	if k.client.CheckBody != nil && json.Valid(body) && !k.client.CheckBody(resp.StatusCode, body) {
		return k.answered(resp, body)
	}
	if k.out == nil {
		return nil
	}
	if string(bytes.TrimSpace(body)) == "null" {
		// Any type can be read from it, and a list would be an empty one.
		return k.unreadable(resp, errors.New("the answer is null"), false)
	}
	if err := json.Unmarshal(body, k.out); err != nil {
		return k.unreadable(resp, fmt.Errorf("the answer has another shape than expected: %w", err), false)
	}
	return nil
}

// unsent is a try without an answer.
func (k *call) unsent(try, caller context.Context, err error) *Error {
	var wrapper *url.Error
	if errors.As(err, &wrapper) {
		err = wrapper.Err // the wrapper's text repeats the URL, with the query
	}
	e := k.fail(0, k.cause(try, caller, err))
	var untrusted *tls.CertificateVerificationError
	switch {
	case errors.As(err, &untrusted):
		// Nothing was sent, and the next try would meet the same certificate.
	case neverSent(err):
		e.repeat = true
	default:
		e.repeat = k.repeatable
		e.Unclear = !k.read()
	}
	return e
}

// neverSent tells whether the connection was not even made.
func neverSent(err error) bool {
	var op *net.OpError
	if errors.As(err, &op) && (op.Op == "dial" || op.Op == "proxyconnect") {
		return true
	}
	var dns *net.DNSError
	return errors.As(err, &dns)
}

// cause tells the end of a try's own time from the end of the caller's context.
// Only the latter may look like a [context.DeadlineExceeded] from outside.
func (k *call) cause(try, caller context.Context, err error) error {
	switch {
	case caller.Err() != nil:
		return caller.Err()
	case try.Err() != nil:
		return fmt.Errorf("no complete answer within %s", k.client.attemptTimeout())
	}
	return err
}

// refused is an answer that is not 2xx.
func (k *call) refused(resp *http.Response, body []byte) *Error {
	e := k.answered(resp, body)
	switch {
	case resp.StatusCode == http.StatusTooManyRequests:
		e.repeat = true
	case resp.StatusCode >= 500 || resp.StatusCode == http.StatusRequestTimeout:
		e.repeat = k.repeatable
		e.Unclear = !k.read()
	}
	return e
}

// unreadable is a 2xx that tells nothing: a write was most likely carried out.
func (k *call) unreadable(resp *http.Response, err error, mayPass bool) *Error {
	e := k.fail(resp.StatusCode, err)
	e.RequestID = k.requestID(resp)
	e.repeat = mayPass && k.repeatable
	e.Unclear = !k.read()
	return e
}

// answered is an error that the API itself words.
func (k *call) answered(resp *http.Response, body []byte) *Error {
	e := k.fail(resp.StatusCode, nil)
	e.RequestID = k.requestID(resp)
	e.RetryAfter = askedWait(resp.StatusCode, resp.Header)
	switch {
	case len(body) == 0:
	case !json.Valid(body):
		e.Message = k.describe(resp, body)
	case k.client.DecodeError != nil:
		code, message := k.client.DecodeError(resp.StatusCode, resp.Header, body)
		e.Code, e.Message = k.hide(code), k.hide(message)
	}
	if resp.StatusCode >= 300 && resp.StatusCode <= 399 {
		e.Message = "the API redirects elsewhere; is the base URL right?"
	}
	return e
}

// describe says in a few words what a body is that is no JSON.
func (k *call) describe(resp *http.Response, body []byte) string {
	media, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	text := strings.TrimSpace(string(body))
	switch {
	case media == "text/html" || strings.HasPrefix(text, "<"):
		return "an HTML page instead of JSON (text/html)"
	case strings.HasPrefix(text, "{") || strings.HasPrefix(text, "["):
		return "JSON that is cut off"
	case k.sent:
		return "a text instead of JSON" // it may repeat what was sent, secrets and all
	}
	line, _, _ := strings.Cut(text, "\n")
	return fmt.Sprintf("%q", oneLine(k.hide(line), 120))
}

func (k *call) requestID(resp *http.Response) string {
	for _, name := range k.client.RequestIDHeaders {
		if id := resp.Header.Get(name); id != "" {
			return k.hide(id)
		}
	}
	return ""
}

// hide takes the credentials out of a text, in case an API repeats what it was sent.
func (k *call) hide(s string) string {
	s = strings.ToValidUTF8(s, "")
	for name, values := range k.client.Header {
		if !strings.EqualFold(name, "Authorization") {
			continue
		}
		for _, v := range values {
			if _, secret, ok := strings.Cut(v, " "); ok && secret != "" {
				v = secret // without the scheme
			}
			if v != "" {
				s = strings.ReplaceAll(s, v, "[hidden]")
			}
		}
	}
	return s
}

func (k *call) read() bool { return k.method == http.MethodGet || k.method == http.MethodHead }

func (k *call) fail(status int, err error) *Error {
	if err != nil && k.hide(err.Error()) != err.Error() {
		err = errors.New(k.hide(err.Error())) // without the chain, which shows it too
	}
	return &Error{Service: k.client.Service, Method: k.method, URL: k.url, Status: status, Tries: k.tries, Err: err}
}
