package rest

import (
	"cmp"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// noResponse returns the error of a try without a response. Its text has shown in place of err.
func (k *call) noResponse(shown, err error) *Error {
	var wrapper *url.Error
	if errors.As(shown, &wrapper) {
		shown = wrapper.Err // the wrapper's text has the URL with its query
	}
	e := k.newError(0, shown)
	var untrusted *tls.CertificateVerificationError
	switch {
	case errors.As(err, &untrusted):
		// Nothing was sent, and the certificate would be the same next time.
	case neverSent(err):
		e.retryable = true
	default:
		k.setUnknown(e, true)
	}
	return e
}

// neverSent reports whether there was no connection.
func neverSent(err error) bool {
	var op *net.OpError
	var dns *net.DNSError
	return errors.As(err, &op) && (op.Op == "dial" || op.Op == "proxyconnect") || errors.As(err, &dns)
}

// setUnknown marks an error after which nobody knows whether the call had an effect. retryable
// says whether another try may end differently.
func (k *call) setUnknown(e *Error, retryable bool) {
	e.retryable = retryable && k.idempotent
	e.Ambiguous = !isRead(k.method)
}

// unreadable returns the error of a 2xx with an unreadable body. A write has most likely taken
// effect.
func (k *call) unreadable(resp *http.Response, retryable bool, format string, args ...any) *Error {
	e := k.newError(resp.StatusCode, fmt.Errorf(format, args...))
	e.RequestID = k.requestID(resp)
	k.setUnknown(e, retryable)
	return e
}

// apiError returns the error that the API reports.
func (k *call) apiError(resp *http.Response, body []byte) *Error {
	e := k.newError(resp.StatusCode, nil)
	e.RequestID = k.requestID(resp)
	e.RetryAfter = retryAfter(resp.StatusCode, resp.Header)
	switch {
	case resp.StatusCode >= 300 && resp.StatusCode <= 399:
		e.Message = "the API redirects elsewhere; check the base URL"
	case len(body) == 0:
	case !json.Valid(body):
		e.Message = k.describe(resp, body)
	case k.client.DecodeError != nil:
		code, message := k.client.DecodeError(resp.StatusCode, resp.Header, body)
		e.Code, e.Message = k.redact(code), k.redact(message)
	}
	switch {
	case resp.StatusCode == http.StatusTooManyRequests:
		e.retryable = true
	case resp.StatusCode >= 500 || resp.StatusCode == http.StatusRequestTimeout:
		k.setUnknown(e, true)
	}
	return e
}

// describe says in a few words what kind of body it is that is not JSON.
func (k *call) describe(resp *http.Response, body []byte) string {
	media, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	text := strings.TrimSpace(string(body))
	switch {
	case media == "text/html" || strings.HasPrefix(text, "<"):
		return "an HTML page instead of JSON (text/html)"
	case strings.HasPrefix(text, "{") || strings.HasPrefix(text, "["):
		return "truncated JSON"
	case k.body != nil:
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

func isRead(method string) bool { return method == http.MethodGet || method == http.MethodHead }

// newError returns the error of a call that failed with err. A nil err means that the API will
// say why.
func (k *call) newError(status int, err error) *Error {
	if err != nil && k.redact(err.Error()) != err.Error() {
		err = errors.New(k.redact(err.Error())) // not the chain, which has the credentials
	}
	return &Error{Service: k.client.Service, Method: k.method, URL: k.url, Status: status, Tries: k.tries, Err: err}
}

// redact removes the credentials from a text, in case the API repeats them.
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
