package rest

import (
	"context"
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
	// idempotent reports whether the call may be repeated even if it had an effect.
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

// run tries until a try succeeds, or another one cannot help.
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

// wait waits until the next try. It reports whether there is one.
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
