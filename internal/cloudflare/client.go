package cloudflare

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"portfolio-infra/internal/rest"
)

// DefaultBaseURL is the real API.
// https://developers.cloudflare.com/api/
const DefaultBaseURL = "https://api.cloudflare.com/client/v4"

// Client calls the API for one account. A struct literal with Token and
// AccountID is usable.
type Client struct {
	// Token is an API token with "Pages: Edit" and "Workers Scripts: Edit".
	// https://developers.cloudflare.com/fundamentals/api/get-started/create-token/
	Token string
	// AccountID is 32 hexadecimal digits.
	AccountID string
	// BaseURL is without a trailing slash. Default: DefaultBaseURL.
	BaseURL string
	// OnWait is called before each wait between two tries. Default: silence.
	OnWait func(ctx context.Context, d time.Duration, why string)
	// HTTP sends the requests. Default: that of [rest.Client].
	HTTP *http.Client
}

// envelope is what every answer comes in.
// https://developers.cloudflare.com/fundamentals/api/how-to/make-api-calls/
type envelope[T any] struct {
	Result T `json:"result"`
}

// rest returns a client for calls about one thing: found says what to do when the
// API does not find it.
func (c *Client) rest(found string) *rest.Client {
	return &rest.Client{
		Service:          "Cloudflare",
		BaseURL:          strings.TrimRight(cmp.Or(c.BaseURL, DefaultBaseURL), "/"),
		Header:           http.Header{"Authorization": {"Bearer " + c.Token}},
		DecodeError:      decodeError,
		CheckBody:        succeeded,
		Suggestion:       func(e *rest.Error) string { return suggest(e, found) },
		RequestIDHeaders: []string{"Cf-Ray"},
		OnWait:           c.OnWait,
		HTTP:             c.HTTP,
	}
}

// What to do when a thing is not found, by what it is.
const (
	findProject = "check the config keys accountId and pagesProject, then run `pulumi refresh`"
	findWorker  = "check the config keys accountId and worker, then run `pulumi refresh`"
	findAccount = "check the config key accountId"
)

// get reads a path below the account and returns the result.
func get[T any](ctx context.Context, c *Client, found, format string, segments ...string) (T, error) {
	var e envelope[*T]
	path := c.path(format, segments...)
	if err := c.rest(found).Do(ctx, http.MethodGet, path, nil, &e); err != nil {
		return *new(T), err
	}
	if e.Result == nil {
		return *new(T), &rest.Error{Service: "Cloudflare", Method: http.MethodGet,
			URL: cmp.Or(c.BaseURL, DefaultBaseURL) + path, Message: "the answer holds no result"}
	}
	return *e.Result, nil
}

// write makes a call that may be repeated, since the second one changes nothing.
func (c *Client) write(ctx context.Context, found, method string, in any, format string, segments ...string) error {
	// Every answer is an envelope; anything else comes from something in between.
	return c.rest(found).DoIdempotent(ctx, method, c.path(format, segments...), in, &envelope[any]{})
}

// path is one below the account.
func (c *Client) path(format string, segments ...string) string {
	return rest.Path("/accounts/%s"+format, append([]string{c.AccountID}, segments...)...)
}

// succeeded tells whether an answer with status 200 says so itself.
func succeeded(_ int, body []byte) bool {
	var e struct {
		Success *bool `json:"success"`
	}
	return json.Unmarshal(body, &e) == nil && (e.Success == nil || *e.Success)
}

// decodeError reads the errors of an envelope, the first one's code before all
// messages.
func decodeError(_ int, _ http.Header, body []byte) (code, message string) {
	var e struct {
		Errors []struct {
			Code    int    `json:"code"`
			Message string `json:"message"`
		} `json:"errors"`
	}
	if json.Unmarshal(body, &e) != nil || len(e.Errors) == 0 {
		return "", ""
	}
	var messages []string
	for _, one := range e.Errors {
		messages = append(messages, one.Message)
	}
	return strconv.Itoa(e.Errors[0].Code), strings.Join(messages, "; ")
}

// Codes of errors that the stack knows what to make of.
const (
	codeProjectNotFound = "8000007"
	codeInvalidBinding  = "8000022"
	codeScriptNotFound  = "10007"
	codeServiceNotFound = "10090"
	codeBindingNotFound = "10056"
	codeNoSubdomain     = "10063"
)

// IsNotFound tells whether an error says that the project or the Worker that a call
// names does not exist. A 404 alone does not say so: it also comes from a proxy in
// between, from a wrong account, or from a path that the API does not know.
func IsNotFound(err error) bool {
	var e *rest.Error
	return errors.As(err, &e) && e.Status == http.StatusNotFound &&
		(e.Code == codeProjectNotFound || e.Code == codeScriptNotFound || e.Code == codeServiceNotFound)
}

// suggest returns one sentence that says what to do about an error. found is what to do when
// the thing that the call is about is not there.
func suggest(e *rest.Error, found string) string {
	switch {
	case e.Code == codeInvalidBinding || strings.Contains(e.Message, "Invalid Service name"):
		return "the Worker that a binding names must exist in this account: check the config keys worker, moreBindings and previewBinding"
	case e.Code == codeNoSubdomain:
		return RegisterSubdomain
	case e.Status == http.StatusUnauthorized, e.Code == "10000", e.Code == "9106", e.Code == "6003":
		return "check the API token (cloudflare:apiToken or CLOUDFLARE_API_TOKEN): is it valid and not expired?"
	case e.Status == http.StatusForbidden, e.Code == "9109", e.Code == "8000013":
		return "check the config key accountId, and that the API token may edit Pages and Workers Scripts of that account"
	case e.Status == http.StatusTooManyRequests:
		return "wait until the limit of 1,200 requests in five minutes has passed, then run it again"
	case e.Status >= 500:
		return "see www.cloudflarestatus.com, then run it again: it goes on where it stopped"
	case e.Status == http.StatusNotFound:
		return found
	case e.Status == http.StatusBadRequest:
		return "check the config that it is about"
	case errors.Is(e.Err, context.Canceled) || errors.Is(e.Err, context.DeadlineExceeded):
		return "" // the caller's own doing
	case e.Status == 0:
		return "check the network (and HTTPS_PROXY, if there is a proxy), then run it again: it goes on where it stopped"
	case e.Status < 300:
		return "look at www.cloudflarestatus.com, check for a proxy in between, then run it again"
	}
	return ""
}
