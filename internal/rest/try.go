package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// try sends the request once, and reads and decodes the response. A failure in the middle of
// the body is a failed try, too.
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
			// The API got only a part of the request, and another try would read the same.
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
		// The body only adds detail. It may be missing, cut off, or closed: a digest
		// transport closes the body of a 401 without a challenge.
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
		// It decodes into any type, into a list as an empty one.
		return k.unreadable(resp, false, "the response is null")
	}
	if err := json.Unmarshal(body, k.out); err != nil {
		return k.unreadable(resp, false, "the response does not have the expected shape: %w", err)
	}
	return nil
}

// cause tells the timeout of a try from the end of the caller's context. Only the latter is a
// [context.DeadlineExceeded] to the caller.
func (k *call) cause(try, caller context.Context, err error) error {
	switch {
	case caller.Err() != nil:
		return caller.Err()
	case try.Err() != nil:
		return fmt.Errorf("no complete response within %s", k.client.attemptTimeout())
	}
	return err
}
