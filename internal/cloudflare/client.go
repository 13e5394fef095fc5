package cloudflare

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"portfolio-infra/internal/rest"
)

// DefaultBaseURL is the base URL of the real API.
// https://developers.cloudflare.com/api/
const DefaultBaseURL = "https://api.cloudflare.com/client/v4"

// Client calls the API for one account. A struct literal with Token and AccountID is ready to
// use.
type Client struct {
	// Token is an API token with "Pages: Edit" and "Workers Scripts: Edit".
	// https://developers.cloudflare.com/fundamentals/api/get-started/create-token/
	Token string
	// AccountID is 32 hexadecimal digits.
	AccountID string
	// BaseURL is https unless its host is a loopback address.
	// Default: [DefaultBaseURL].
	BaseURL string
	// OnWait is called before each wait between two tries. Default: waits are silent.
	OnWait func(ctx context.Context, d time.Duration, reason string)
	// HTTP sends the requests. Default: see [rest.Client].
	HTTP *http.Client
}

// rest returns a client for calls about one thing. notFound says what to do if the API does not
// find it.
func (c *Client) rest(notFound string) *rest.Client {
	return &rest.Client{
		Service:          "Cloudflare",
		BaseURL:          strings.TrimRight(cmp.Or(c.BaseURL, DefaultBaseURL), "/"),
		Header:           http.Header{"Authorization": {"Bearer " + c.Token}},
		DecodeError:      decodeError,
		CheckBody:        succeeded,
		Suggestion:       func(e *rest.Error) string { return suggest(e, notFound) },
		RequestIDHeaders: []string{"Cf-Ray"},
		OnWait:           c.OnWait,
		HTTP:             c.HTTP,
	}
}

// result is the envelope of a response that has a result.
// https://developers.cloudflare.com/fundamentals/api/how-to/make-api-calls/
type result[T any] struct{ value T }

// UnmarshalJSON implements [json.Unmarshaler].
func (r *result[T]) UnmarshalJSON(b []byte) error {
	var envelope struct {
		Result *T `json:"result"`
	}
	if err := json.Unmarshal(b, &envelope); err != nil {
		return err
	}
	if envelope.Result == nil {
		return errors.New("it has no result")
	}
	r.value = *envelope.Result
	return nil
}

// get reads a path below the account.
func get[T any](ctx context.Context, c *Client, notFound, format string, segments ...string) (T, error) {
	var r result[T]
	err := c.rest(notFound).Do(ctx, http.MethodGet, c.path(format, segments...), nil, &r)
	return r.value, err
}

// write makes a write that may be repeated.
func (c *Client) write(ctx context.Context, notFound, method string, in any, format string, segments ...string) error {
	return c.rest(notFound).DoIdempotent(ctx, method, c.path(format, segments...), in, new(rest.Object))
}

// path returns a path below the account.
func (c *Client) path(format string, segments ...string) string {
	return rest.Path("/accounts/%s"+format, append([]string{c.AccountID}, segments...)...)
}

// succeeded reports whether the body of a 2xx says that the call was a success.
func succeeded(_ int, body []byte) bool {
	var e struct {
		Success *bool `json:"success"`
	}
	return json.Unmarshal(body, &e) == nil && (e.Success == nil || *e.Success)
}
