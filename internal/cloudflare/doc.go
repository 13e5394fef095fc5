// Package cloudflare makes the Cloudflare calls that the Pulumi provider lacks, gets wrong, or
// makes at the wrong time. It
//
//   - reads a Pages project, and patches its bindings and variables,
//   - deploys to the project,
//   - reads whether a name is taken before the stack creates something of that name,
//   - reads what was changed by hand, and
//   - deletes single secrets.
//
// The official Go client would take minutes and gigabytes to compile for these few calls: its
// root package, which every call needs, imports every product.
package cloudflare
