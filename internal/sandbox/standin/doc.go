// Package standin holds small providers that take the place of the real plugins
// cloudflare and command where those are not installed. They know just the
// resource types that the stack uses, and make the same calls over HTTP, or run
// the same commands, as the real ones do. Nothing of the stack may depend on them.
package standin
