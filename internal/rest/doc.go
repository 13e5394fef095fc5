// Package rest talks JSON over HTTP to the APIs of the clouds, so that the
// packages above it hold nothing but nouns and verbs.
//
// # What may be repeated
//
// The one question that matters after a failed call is whether it had an
// effect. The package answers it once, for all callers:
//
//   - A read (GET, HEAD) has none. It is repeated after connection errors,
//     408, 429, 5xx, and after a 2xx whose body is cut off or no JSON.
//   - A write is repeated only if it surely had none: the API rejected it by
//     429, or the connection was never made (refused, unknown host).
//   - Any other failed write that may have been carried out all the same (a
//     time-out, a reset, 5xx, an unreadable 2xx) comes back as an error for
//     which [Unclear] is true. The caller then looks at what is there. A write
//     that may be sent twice because the second changes nothing (a PUT, a PATCH
//     of absolute values, a DELETE) goes through [Client.DoIdempotent], which
//     repeats it as a read is repeated.
//   - 4xx, a body of the wrong shape, a bad certificate: repeating would not
//     help, so nothing is.
//
// # How long it waits
//
// Each try has a time-out of its own; that one passes is a failed try and not
// the end of the caller's context, so it does not wrap
// [context.DeadlineExceeded]. Between tries the API's own wish counts
// (Retry-After, X-Ratelimit-Reset); without one the wait doubles, with jitter.
// A wait that the caller's deadline or [Client.MaxWait] would cut short is not
// begun: the error says at once how long the API asks for. Every wait ends with
// the caller's context.
//
// The loop itself, with its rewinding of bodies, is hashicorp/go-retryablehttp.
// A try reads and decodes the whole answer, so a failure in the middle of a body
// is a failed try like any other.
//
// # What errors show
//
// Method, URL without query and user, status, and what the API says of itself:
// code, message, request id. Never a header and never a request body, because
// that is where the secrets are.
package rest
