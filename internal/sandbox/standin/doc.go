// Package standin holds small providers that take the place of the Pulumi plugins cloudflare
// and command where those are not installed. They know just the resource types that the
// stack uses, and make the same calls over HTTP, or run the same commands, as the real ones
// do: those recorded of cloudflare 6.17.0 and command 1.2.1, and what the source of the
// provider below the former says,
// https://github.com/cloudflare/terraform-provider-cloudflare/tree/v5.19.1/internal/services.
// The stack must not depend on them.
package standin
