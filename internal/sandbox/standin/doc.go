// Package standin holds small providers in place of the Pulumi plugins cloudflare and command,
// where those are not installed. They know only the resource types that the stack uses. The
// stack must not depend on them.
//
// They make the calls over HTTP, or run the commands, that were recorded of cloudflare 6.17.0 and
// command 1.2.1. The rest follows the source of the Terraform provider below cloudflare 6.17.0,
// https://github.com/cloudflare/terraform-provider-cloudflare/tree/v5.19.1/internal/services.
package standin
