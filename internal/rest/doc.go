// Package rest is a client for JSON over HTTP. The packages above it describe the
// nouns and verbs of an API and nothing else.
//
// # What is retried
//
// What matters about a failed call is whether it had an effect. The package decides
// that once, for all callers:
//
//   - A read (GET, HEAD) has none. It is retried after connection errors, 408, 429,
//     5xx, and a 2xx whose body is cut off or not JSON.
//   - A write is retried only if it certainly had none: the API rejected it with
//     429, or the connection was never made (refused, unknown host).
//   - Any other failed write that may have been carried out (timeout, reset, 5xx,
//     unreadable 2xx) is an ambiguous result: [Ambiguous] is true for the error, and
//     the caller should read before it writes again. A write whose repetition changes
//     nothing (a PUT, a PATCH of absolute values, a DELETE) goes through
//     [Client.DoIdempotent], which retries it like a read.
//   - Nothing is retried where that cannot help: after other 4xx, a body of the wrong
//     shape or a bad certificate.
//
// # How long it waits
//
// A try that runs into its own timeout has failed, but the caller's context has not
// ended: the error does not wrap [context.DeadlineExceeded]. The wait between tries is
// what the API asks for (Retry-After, X-Ratelimit-Reset), and otherwise doubles each
// time, with jitter. A wait beyond the caller's deadline or [MaxWait] does not begin:
// the error says at once how long the API asks to wait.
//
// # What errors show
//
// Method, URL without query and user, status, and what the API reports: code, message,
// request ID. Never a header and never a request body, because the secrets are there.
package rest
