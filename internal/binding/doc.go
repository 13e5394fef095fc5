// Package binding sets the service bindings of a Pages project: the sub-commands
// bind and unbind of the program, run by a command resource of the stack.
//
// Why not the Pages resource itself? Its provider encodes a change of
// deploymentConfigs.*.services so that the service's name, or the whole binding,
// is missing from what it sends ("Invalid Service name ()"), and in another order
// of changes deletes the binding. So the resource declares no deploymentConfigs,
// and these commands own what they patch:
// https://github.com/cloudflare/terraform-provider-cloudflare/issues/7305
//
// bind reads the project and compares. If both environments hold what is wanted,
// it writes nothing. Otherwise it makes one PATCH with whole binding objects,
// reads again, and fails if the API did not keep them. It touches nothing else
// in the project. A project that is gone it makes again. One that takes its bindings
// from a Wrangler file it does not patch, since its next deployment would undo it.
// unbind removes what bind set and nothing that was changed
// since; a project that is gone is a success.
//
// The request comes as JSON on standard input and the answer goes as one line of
// JSON to standard output. The token comes by environment only. The engine hands
// the previous answer back by environment too (PULUMI_COMMAND_STDOUT), so that
// bind knows which bindings it set that are no longer wanted.
//
// A change of the wanted bindings is an update of the command resource in place.
// Triggers would replace it, and a replacement runs the new bind before the old
// unbind, which then removes what was just set.
package binding
