// Package cloudflare makes the few Cloudflare calls that the Pulumi provider
// gets wrong, or makes at the wrong time: it reads a Pages project and
// patches its service bindings, it deploys to the project, it reads what exists under a
// name before the stack creates it and what was changed by hand, and it deletes single
// secrets.
//
// It is hand-written because the official Go client cannot be used without its
// root package, which imports every product: minutes and gigabytes to compile
// for half a dozen calls.
package cloudflare
