// Package standin holds small providers that take the place of the Pulumi plugins cloudflare and
// command where those are not installed. They know only the resource types that the stack uses.
// The stack must not depend on them.
//
// They make the HTTP calls, or run the commands, that were recorded from cloudflare 6.17.0 and
// command 1.2.1. The rest follows the source of the Terraform provider that cloudflare 6.17.0 is
// made of, https://github.com/cloudflare/terraform-provider-cloudflare/tree/v5.19.1/internal/services.
package standin
