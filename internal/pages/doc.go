// Package pages does what the stack does to a Pages project. It has the program's sub-commands
// bind, unbind, deploy and undeploy, which the stack's command resources run.
//
// A request is JSON on standard input, a result is one line of JSON on standard output, and
// progress goes to standard error. The token comes from the environment only.
//
// # Bindings
//
// bind sets the service bindings of a project, and the variables and compatibility settings of
// its Functions. unbind removes what bind set, unless it was changed since then; it succeeds if
// the project was deleted.
//
// The Pages resource cannot do this. For a change of deploymentConfigs.*.services its provider
// omits the service's name or the whole binding ("Invalid Service name ()"). For changes in
// another order it deletes the binding. So the resource declares no deploymentConfigs, and
// these commands own what they patch:
// https://github.com/cloudflare/terraform-provider-cloudflare/issues/7305
//
// bind reads the project and computes the diff. If there is none, it writes nothing. Otherwise
// it makes one PATCH with whole binding objects, reads again, and fails if the API did not
// persist them. It touches nothing else in the project. It recreates a deleted project. It does
// not patch a project that takes its bindings from a Wrangler file, since the next deployment
// would undo the patch.
//
// The API does not return the values of secret variables. So the result has a digest of each,
// which tells the next run whether to write it. The digests are keyed, since the result is not
// secret: the key comes with the request and stays in the encrypted part of the state.
//
// The command provider passes the previous result in PULUMI_COMMAND_STDOUT, so bind knows which
// of its bindings are no longer wanted. A change of the wanted bindings updates the command
// resource in place. Triggers would replace it, and a replacement runs the new bind before the
// old unbind, which would remove what was just set.
//
// # Deployments
//
// deploy deploys a folder to the project by Direct Upload. It sends what wrangler sends, so
// Cloudflare serves the same site whichever of them deployed it. First it uploads each file
// that is not stored yet, under a key that depends on the content. Then it sends a form with
// the paths and their keys, the settings files and the bundled Worker. Files are streamed, so
// memory use does not grow with the site.
//
// It needs no Node, except for a folder of file routes (functions), which only wrangler can
// compile. They are compiled whenever the site is read, even in a preview: what they import
// decides whether there is something to deploy. The digest covers everything that decides what
// is deployed, such as a fix in an imported package, and nothing else. Other programs get only
// the environment variables on a list.
//
// Each deployment has a mark at the end of its commit message, the only part of a deployment
// that a client may choose: the stack's owner, and a hash of what the deployment depends on.
// The mark tells a stack's own deployments from those of others. It also lets a run adopt the
// deployment of a run that died before recording it. Somebody else's deployment is replaced
// only with consent (the config key overwriteSite), whatever was there before, as with the
// Worker's script.
//
// The API reports success even if every page of a deployment answers 500, and it stores any
// content under any key. So deploy hashes what it sends. Before it reports success, it compares
// some answers of the deployment's own address with the site.
//
// With noindex the deployment's _headers tell search engines to list none of its paths, for an
// environment that ends with its pull request. The site's own headers stay in force.
//
// undeploy is the delete command of the resource. It deletes nothing: deployments go with their
// project, and if only the resource is replaced or removed, the site must stay up. With a
// project as its argument it is for people: it deletes deployments where Cloudflare refuses to
// delete a project that has too many.
//
// Two things that wrangler publishes are refused: what looks like a secret, unless the config
// key publicFiles names it, and a site that lost most of its files since the last deployment,
// as after a failed build, unless shrinkSite allows it. With this stack each push deploys, and
// nobody looks at the folder first.
//
// https://developers.cloudflare.com/pages/get-started/direct-upload/
// https://github.com/cloudflare/workers-sdk/blob/main/packages/wrangler/src/api/pages/deploy.ts
package pages
