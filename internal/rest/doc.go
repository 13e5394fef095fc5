// Package rest is a client for JSON over HTTP. The packages above it only describe the nouns
// and verbs of an API.
//
// # What is retried
//
// What matters about a failed call is whether it had an effect. The package decides that in
// one place, for all callers:
//
//   - A read (GET, HEAD) has no effect. It is retried after a connection error, 408, 429, 5xx,
//     and a 2xx whose body is cut off or not JSON.
//   - A write is retried only if it certainly had no effect: the API refused it with 429, or
//     there was no connection (refused, unknown host).
//   - Any other failed write may have taken effect (timeout, reset, 5xx, unreadable 2xx). That
//     is an ambiguous result: [Ambiguous] is true for the error, and the caller should read
//     before it writes again.
//   - A write that may be repeated (a PUT, a PATCH of absolute values, a DELETE) goes through
//     [Client.DoIdempotent], which retries it like a read.
//   - Nothing is retried where that cannot help: after another 4xx, a body of the wrong shape,
//     or a bad certificate.
//
// # How long it waits
//
// Each try has a timeout. If it passes, the error does not wrap [context.DeadlineExceeded],
// since the caller's context has not ended. Between two tries the package waits as long as the
// API asks (Retry-After, X-Ratelimit-Reset). Otherwise the wait doubles each time, with jitter.
// A wait beyond the caller's deadline or [MaxWait] does not begin: the error says at once how
// long the API asks to wait.
//
// # What errors show
//
// They show the method, the URL without query and user, the status, and what the API reports:
// code, message, request ID. They never show a header or a request body, since the secrets are
// there.
package rest
