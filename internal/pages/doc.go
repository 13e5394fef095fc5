// Package pages does what the stack does to a Pages project: it has the program's
// sub-commands bind, unbind, deploy and undeploy, which command resources of the stack run.
//
// A request is JSON on standard input, a result one line of JSON on standard output, and the
// progress goes to standard error. The token comes by environment only.
//
// # Bindings
//
// bind sets the service bindings of a project, and the variables and compatibility settings
// of its Functions. unbind removes what bind set, unless it was changed since; a deleted
// project is a success.
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
// since the next deployment would undo it.
//
// The API does not return the value of a secret variable. So the result has a digest of
// each, by which the next run knows whether to write it. The digests are keyed, since the
// result is no secret: the key comes with the request and stays in the encrypted part of
// the state.
//
// The engine passes the previous result by environment (PULUMI_COMMAND_STDOUT), so that
// bind knows which of its bindings are no longer wanted. A change of the wanted bindings
// updates the command resource in place. Triggers would replace it, and a replacement runs
// the new bind before the old unbind, which then removes what was just set.
//
// # Deployments
//
// deploy puts a folder on the project by Direct Upload. It sends what wrangler sends, so
// that Cloudflare serves the same site whichever of them deployed it: each file that is not
// stored yet under a key that depends on its content, then a form with the paths and their
// keys, the settings files and the bundled Worker. Files are streamed, so the memory does
// not grow with the site.
//
// It needs no Node, except for a folder of file routes (functions), which only wrangler
// can compile. They are compiled when the site is read, in a preview too: only then is it
// known what they are made of, and so whether there is something to deploy. The digest
// covers all that decides what is deployed, a fix in an imported package too, and nothing
// else. Other programs see a list of variables of the environment, not all of it.
//
// Each deployment bears a mark at the end of its commit message, the only part of a
// deployment that a client may choose: the stack's owner, and a hash of what the deployment
// depends on. By the mark a run adopts the deployment of a run that died before it was
// recorded, and tells its own deployments from those of others. It replaces a deployment of
// somebody else only with consent (the config key overwriteSite), whatever was there before,
// as the stack does with the Worker's script.
//
// To the API a deployment is a success even if all of its pages answer 500, and it stores
// any content under any key. So deploy hashes what it sends, and compares some of what the
// deployment's own address answers with the site, before it reports success.
//
// undeploy is the delete command of the resource. Deployments go with their project, so it
// deletes nothing: where the resource is replaced or taken out, the site is to be served on.
// With a project as its argument a person runs it, where Cloudflare refuses to delete that
// project for its many deployments.
//
// Two things that wrangler publishes are refused: what looks like a secret, unless the config
// key publicFiles names it, and a site that lost most of its files since the last deployment,
// as after a failed build, unless shrinkSite consents. Here each push deploys, and nobody
// looks at the folder first.
//
// https://developers.cloudflare.com/pages/get-started/direct-upload/
// https://github.com/cloudflare/workers-sdk/blob/main/packages/wrangler/src/api/pages/deploy.ts
package pages
