// Package binding sets the service bindings of a Pages project, and the variables and
// compatibility settings of its Functions: it has the program's sub-commands bind and
// unbind, which a command resource of the stack runs.
//
// Why not the Pages resource itself? Its provider encodes a change of
// deploymentConfigs.*.services without the service's name, or without the whole binding
// ("Invalid Service name ()"), and for another order of changes deletes the binding. So
// the resource declares no deploymentConfigs, and these commands own what they patch:
// https://github.com/cloudflare/terraform-provider-cloudflare/issues/7305
//
// bind reads the project and computes the diff. If there is none, it writes nothing.
// Otherwise it makes one PATCH with whole binding objects, reads again, and fails if the
// API did not persist them. It touches nothing else in the project. It recreates a
// deleted project. It does not patch one that takes its bindings from a Wrangler file,
// since the next deployment would undo it. unbind removes what bind set, unless it was
// changed since; a deleted project is a success.
//
// The API does not return the value of a secret variable. So the result has a digest of
// each, by which the next run knows whether to write it. The digests are keyed, since the
// result is no secret: the key comes with the request and stays in the encrypted part of
// the state.
//
// The request is JSON on standard input, the result one line of JSON on standard output.
// The token comes by environment only. The engine passes the previous result by
// environment (PULUMI_COMMAND_STDOUT), so that bind knows which of its bindings are no
// longer wanted.
//
// A change of the wanted bindings updates the command resource in place. Triggers would
// replace it, and a replacement runs the new bind before the old unbind, which then
// removes what was just set.
package binding
