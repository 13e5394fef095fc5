package rest

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// call is one [Client.Do] with all its tries.
type call struct {
	client *Client
	http   *http.Client
	method string
	url    string // without query, for errors
	path   string // with query
	header http.Header
	body   *Body // nil if there is none
	out    any
	// idempotent calls may be sent again even if they were carried out.
	idempotent bool
	tries      int
}

func (c *Client) do(ctx context.Context, method, path string, in, out any, idempotent bool) error {
	k := &call{
		client: c, http: c.httpClient(), method: method, url: "(base URL)", path: path,
		header: http.Header{}, out: out, idempotent: idempotent,
	}
	for name, values := range c.Header {
		k.header[http.CanonicalHeaderKey(name)] = values
	}
	k.header.Set("Accept", "application/json")
	if err := CheckBaseURL(c.BaseURL); err != nil {
		return k.newError(0, err)
	}
	shown, _, _ := strings.Cut(path, "?")
	k.url = c.BaseURL + shown
	if err := checkPath(path); err != nil {
		return k.newError(0, err)
	}
	var err error
	if k.body, err = newBody(in); err != nil {
		return k.newError(0, err)
	}
	if k.body != nil {
		k.header.Set("Content-Type", k.body.ContentType)
	}
	return k.run(ctx)
}

// run tries until a try succeeds or another one is pointless.
func (k *call) run(ctx context.Context) error {
	ambiguous := false // some try may have taken effect
	for {
		k.tries++
		failure := k.try(ctx)
		if failure == nil {
			return nil
		}
		ambiguous = ambiguous || failure.Ambiguous
		if k.wait(ctx, failure) {
			continue
		}
		failure.endedBy(ctx.Err())
		failure.Ambiguous = ambiguous
		if k.client.Suggestion != nil {
			failure.Suggestion = k.client.Suggestion(failure)
		}
		return failure
	}
}

// wait waits for the time of the next try. It reports whether there is one.
func (k *call) wait(ctx context.Context, failure *Error) bool {
	d := nextWait(failure.RetryAfter, k.tries)
	if !failure.retryable || k.tries == maxTries || !worthWaiting(ctx, d) {
		return false
	}
	if k.client.OnWait != nil {
		k.client.OnWait(ctx, d, failure.waitReason())
	}
	return Sleep(ctx, d) == nil
}

// try sends the request once, then reads and decodes the whole response: a failure in the
// middle of a body is a failed try too.
func (k *call) try(caller context.Context) *Error {
	ctx, cancel := context.WithTimeout(caller, k.client.attemptTimeout())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, k.method, k.client.BaseURL+k.path, nil)
	if err != nil {
		return k.newError(0, err)
	}
	req.Header = k.header.Clone()
	unread, err := k.body.attach(req)
	if err != nil {
		return k.newError(0, fmt.Errorf("reading the request body: %w", err))
	}
	resp, err := k.http.Do(req)
	if err != nil {
		if err := unread.get(); err != nil && ctx.Err() == nil {
			// The API got no whole request, and another try would read the same.
			return k.newError(0, fmt.Errorf("reading the request body: %w", err))
		}
		return k.noResponse(k.cause(ctx, caller, err), err)
	}
	defer resp.Body.Close()
	limit := maxJSON
	if _, ok := k.out.(ResponseDecoder); ok {
		limit = maxOther
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, int64(limit)+1))
	switch {
	case resp.StatusCode < 200 || resp.StatusCode > 299:
		// The body only adds detail. It may be missing, cut off, or closed (a digest
		// transport closes that of a 401 without a challenge).
		return k.apiError(resp, body)
	case err != nil:
		return k.unreadable(resp, true, "reading the response: %w", k.cause(ctx, caller, err))
	case len(body) > limit:
		return k.unreadable(resp, false, "the response is longer than %d MiB", limit>>20)
	}
	return k.decode(resp, body)
}

// decode decodes the body of a 2xx into out.
func (k *call) decode(resp *http.Response, body []byte) *Error {
	valid := json.Valid(body)
	decoder, other := k.out.(ResponseDecoder)
	switch {
	case k.out != nil && len(body) == 0:
		return k.unreadable(resp, true, "the response is empty")
	case other:
		if err := decoder.DecodeResponse(resp.Header, body); err != nil {
			return k.unreadable(resp, false, "decoding the response: %w", err)
		}
		return nil
	case k.out != nil && !valid:
		return k.unreadable(resp, true, "the response is not JSON: %s", k.describe(resp, body))
	case valid && k.client.CheckBody != nil && !k.client.CheckBody(resp.StatusCode, body):
		return k.apiError(resp, body)
	case k.out == nil:
		return nil
	case string(bytes.TrimSpace(body)) == "null":
		// It decodes into any type: a list would be empty.
		return k.unreadable(resp, false, "the response is null")
	}
	if err := json.Unmarshal(body, k.out); err != nil {
		return k.unreadable(resp, false, "the response does not have the expected shape: %w", err)
	}
	return nil
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

func isRead(method string) bool { return method == http.MethodGet || method == http.MethodHead }

// newError returns the error of a call that failed with err, or by what the API reports
// if err is nil.
func (k *call) newError(status int, err error) *Error {
	if err != nil && k.redact(err.Error()) != err.Error() {
		err = errors.New(k.redact(err.Error())) // without the chain, which has them too
	}
	return &Error{Service: k.client.Service, Method: k.method, URL: k.url, Status: status, Tries: k.tries, Err: err}
}

// redact removes the credentials from a text, in case an API echoes them.
func (k *call) redact(s string) string {
	s = strings.ToValidUTF8(s, "")
	for _, v := range k.header["Authorization"] {
		scheme, secret, _ := strings.Cut(v, " ")
		if secret = cmp.Or(secret, scheme); secret != "" {
			s = strings.ReplaceAll(s, secret, "[hidden]")
		}
	}
	return s
}
