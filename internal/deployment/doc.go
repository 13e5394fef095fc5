// Package deployment deploys a folder to a Pages project by Direct Upload: it has the
// program's sub-commands deploy and undeploy, which a command resource of the stack runs.
//
// It sends what wrangler sends, so that Cloudflare serves the same site whichever of them
// deployed it: each file that is not stored yet under a key that depends on its content,
// then a form with the paths and their keys, the settings files and the bundled Worker.
// It needs no Node, except for a folder of file routes (functions), which only wrangler
// can compile. They are compiled when the site is read, in a preview too: only then it is
// known what they are made of, and so whether there is something to deploy. The digest has
// all that decides what is deployed, so that a mend of a package is one, and nothing else.
// Other programs see a list of variables of the environment, not all of it.
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
// as after a build that failed, unless shrinkSite consents. For here each push deploys, and
// nobody looks at the folder before.
//
// The request is JSON on standard input, the result one line of JSON on standard output,
// and the progress goes to standard error. The token comes by environment only. Files are
// streamed, so the memory does not grow with the site.
//
// https://developers.cloudflare.com/pages/get-started/direct-upload/
// https://github.com/cloudflare/workers-sdk/blob/main/packages/wrangler/src/api/pages/deploy.ts
package deployment
