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

// call is one [Client.Do]. It is both the transport of go-retryablehttp and its retry
// policy.
type call struct {
	client *Client
	http   *http.Client
	method string
	url    string // without query, for errors
	out    any
	// idempotent calls may be sent again even if they were carried out.
	idempotent bool
	hasBody    bool

	tries     int
	failure   *Error        // of the last try; nil if it succeeded
	ambiguous bool          // some try may have taken effect
	wait      time.Duration // before the next try
}

func (c *Client) do(ctx context.Context, method, path string, in, out any, idempotent bool) error {
	k := &call{client: c, http: c.httpClient(), method: method, out: out, idempotent: idempotent, hasBody: in != nil}
	if err := CheckBaseURL(c.BaseURL); err != nil {
		return &Error{Service: c.Service, Method: method, URL: "(base URL)", Err: err}
	}
	shown, _, _ := strings.Cut(path, "?")
	k.url = c.BaseURL + shown
	if err := checkPath(path); err != nil {
		return k.newError(0, err)
	}
	var body any // to retryablehttp, an untyped nil means no body
	if in != nil {
		data, err := json.Marshal(in)
		if err != nil {
			return k.newError(0, fmt.Errorf("encoding the request: %w", err))
		}
		body = data
	}
	req, err := retryablehttp.NewRequestWithContext(ctx, method, c.BaseURL+path, body)
	if err != nil {
		return k.newError(0, err)
	}
	for name, values := range c.Header {
		req.Header[http.CanonicalHeaderKey(name)] = values
	}
	req.Header.Set("Accept", "application/json")
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}

	// A client per call costs little, and its hooks know the call.
	loop := &retryablehttp.Client{
		HTTPClient:   &http.Client{Transport: k},
		RetryMax:     c.retries(),
		CheckRetry:   k.checkRetry,
		Backoff:      func(time.Duration, time.Duration, int, *http.Response) time.Duration { return 0 },
		PrepareRetry: k.prepareRetry,
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}
	resp, err := loop.Do(req)
	if err == nil {
		return resp.Body.Close() // http.NoBody
	}
	if k.failure == nil {
		return k.newError(0, err) // net/http rejected the request before the first try
	}
	k.failure.endedBy(ctx.Err())
	k.failure.Ambiguous = k.ambiguous
	if c.Suggestion != nil {
		k.failure.Suggestion = c.Suggestion(k.failure)
	}
	return k.failure
}

// checkRetry is retryablehttp's CheckRetry.
func (k *call) checkRetry(ctx context.Context, _ *http.Response, _ error) (bool, error) {
	if k.failure == nil || !k.failure.retryable || ctx.Err() != nil {
		return false, nil
	}
	k.wait = nextWait(k.failure.RetryAfter, k.tries)
	return k.client.worthWaiting(ctx, k.wait), nil
}

// prepareRetry is retryablehttp's PrepareRetry. It waits, rather than Backoff, because
// here the wait can be announced with its reason and can end with an error.
func (k *call) prepareRetry(req *http.Request) error {
	if k.client.OnWait != nil {
		k.client.OnWait(req.Context(), k.wait, k.failure.reason())
	}
	return Sleep(req.Context(), k.wait)
}

// RoundTrip makes one try: it sends the request, then reads and decodes the whole
// response.
func (k *call) RoundTrip(req *http.Request) (*http.Response, error) {
	k.tries++
	k.failure = k.try(req)
	if k.failure != nil {
		k.ambiguous = k.ambiguous || k.failure.Ambiguous
		return nil, k.failure
	}
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Request: req}, nil
}

func (k *call) try(req *http.Request) *Error {
	ctx, cancel := context.WithTimeout(req.Context(), k.client.attemptTimeout())
	defer cancel()
	resp, err := k.http.Do(req.WithContext(ctx))
	if err != nil {
		return k.noResponse(ctx, req.Context(), err)
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
		// The body only adds detail. It may be missing, cut off, or closed (a digest
		// transport closes that of a 401 without a challenge).
		return k.errorStatus(resp, body)
	}
	switch {
	case err != nil:
		return k.unreadable(resp, fmt.Errorf("reading the response: %w", err), true)
	case k.out == nil && len(body) == 0:
		return nil
	case len(body) > limit:
		return k.unreadable(resp, fmt.Errorf("the response is longer than %d MiB", limit>>20), false)
	case k.out != nil && len(body) == 0:
		return k.unreadable(resp, errors.New("the response is empty"), true)
	case isRaw:
		*raw = Raw{resp.Header, body}
		return nil
	case k.out != nil && !json.Valid(body):
		return k.unreadable(resp, fmt.Errorf("the response is not JSON: %s", k.describe(resp, body)), true)
	}
	if k.client.CheckBody != nil && json.Valid(body) && !k.client.CheckBody(resp.StatusCode, body) {
		return k.apiError(resp, body)
	}
	if k.out == nil {
		return nil
	}
	if string(bytes.TrimSpace(body)) == "null" {
		// It decodes into any type: a list would be empty.
		return k.unreadable(resp, errors.New("the response is null"), false)
	}
	if err := json.Unmarshal(body, k.out); err != nil {
		return k.unreadable(resp, fmt.Errorf("the response does not have the expected shape: %w", err), false)
	}
	return nil
}

// noResponse returns the error of a try without a response.
func (k *call) noResponse(try, caller context.Context, err error) *Error {
	var wrapper *url.Error
	if errors.As(err, &wrapper) {
		err = wrapper.Err // the wrapper's text has the URL with its query
	}
	e := k.newError(0, k.cause(try, caller, err))
	var untrusted *tls.CertificateVerificationError
	switch {
	case errors.As(err, &untrusted):
		// Nothing was sent, and the certificate would be the same next time.
	case neverSent(err):
		e.retryable = true
	default:
		e.retryable = k.idempotent
		e.Ambiguous = !k.isRead()
	}
	return e
}

// neverSent reports whether the connection was never made.
func neverSent(err error) bool {
	var op *net.OpError
	if errors.As(err, &op) && (op.Op == "dial" || op.Op == "proxyconnect") {
		return true
	}
	var dns *net.DNSError
	return errors.As(err, &dns)
}

// cause tells a try's own timeout from the end of the caller's context. Only the latter
// may be a [context.DeadlineExceeded] to the caller.
func (k *call) cause(try, caller context.Context, err error) error {
	switch {
	case caller.Err() != nil:
		return caller.Err()
	case try.Err() != nil:
		return fmt.Errorf("no complete response within %s", k.client.attemptTimeout())
	}
	return err
}

// errorStatus returns the error of a response that is not 2xx.
func (k *call) errorStatus(resp *http.Response, body []byte) *Error {
	e := k.apiError(resp, body)
	switch {
	case resp.StatusCode == http.StatusTooManyRequests:
		e.retryable = true
	case resp.StatusCode >= 500 || resp.StatusCode == http.StatusRequestTimeout:
		e.retryable = k.idempotent
		e.Ambiguous = !k.isRead()
	}
	return e
}

// unreadable returns the error of a 2xx that says nothing. A write was most likely
// carried out.
func (k *call) unreadable(resp *http.Response, err error, retryable bool) *Error {
	e := k.newError(resp.StatusCode, err)
	e.RequestID = k.requestID(resp)
	e.retryable = retryable && k.idempotent
	e.Ambiguous = !k.isRead()
	return e
}

// apiError returns the error that the API reports.
func (k *call) apiError(resp *http.Response, body []byte) *Error {
	e := k.newError(resp.StatusCode, nil)
	e.RequestID = k.requestID(resp)
	e.RetryAfter = retryAfter(resp.StatusCode, resp.Header)
	switch {
	case len(body) == 0:
	case !json.Valid(body):
		e.Message = k.describe(resp, body)
	case k.client.DecodeError != nil:
		code, message := k.client.DecodeError(resp.StatusCode, resp.Header, body)
		e.Code, e.Message = k.redact(code), k.redact(message)
	}
	if resp.StatusCode >= 300 && resp.StatusCode <= 399 {
		e.Message = "the API redirects elsewhere; check the base URL"
	}
	return e
}

// describe says in a few words what a body that is not JSON is.
func (k *call) describe(resp *http.Response, body []byte) string {
	media, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	text := strings.TrimSpace(string(body))
	switch {
	case media == "text/html" || strings.HasPrefix(text, "<"):
		return "an HTML page instead of JSON (text/html)"
	case strings.HasPrefix(text, "{") || strings.HasPrefix(text, "["):
		return "truncated JSON"
	case k.hasBody:
		return "text instead of JSON" // it may echo the request, with its secrets
	}
	line, _, _ := strings.Cut(text, "\n")
	return fmt.Sprintf("%q", oneLine(k.redact(line), 120))
}

func (k *call) requestID(resp *http.Response) string {
	for _, name := range k.client.RequestIDHeaders {
		if id := resp.Header.Get(name); id != "" {
			return k.redact(id)
		}
	}
	return ""
}

// redact removes the credentials from a text, in case an API echoes them.
func (k *call) redact(s string) string {
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

func (k *call) isRead() bool { return k.method == http.MethodGet || k.method == http.MethodHead }

func (k *call) newError(status int, err error) *Error {
	if err != nil && k.redact(err.Error()) != err.Error() {
		err = errors.New(k.redact(err.Error())) // without the chain, which has them too
	}
	return &Error{Service: k.client.Service, Method: k.method, URL: k.url, Status: status, Tries: k.tries, Err: err}
}
