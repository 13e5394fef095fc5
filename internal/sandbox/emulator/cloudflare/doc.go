// Package cloudflare emulates the part of the Cloudflare REST API that this project
// asks for: what its own client and the Cloudflare provider call, and what wrangler calls
// in the commands that the documents name (deploy, secret put, pages deploy). A test runs
// these with the real wrangler.
//
// It is strict: with a lenient emulator, a client's mistakes would show only at the
// real API. Each route, query parameter, field, part and type of binding that it does not
// have is refused by its name, as unknown or not emulated. So are bindings to Workers
// that do not exist, and a main module that the upload does not have. A call that fails
// changes nothing.
//
// The state is in memory and, if [Cloud.File] is set, in a file, so that it outlives
// the process. The files of sites lie in a folder beside it. No answer contains a
// secret. The file has salted hashes of secrets ([Secret.Is]); their values stay in
// memory ([Cloud.Reveal]).
//
// Shapes and codes come from published answers of the real API, from what Cloudflare's
// own clients rely on, and from the references
// https://developers.cloudflare.com/api/resources/pages/,
// https://developers.cloudflare.com/api/resources/workers/ and
// https://developers.cloudflare.com/api/resources/dns/, in this order. A refusal
// whose code is in none of them has [codeUnknown], which clients must not rely on.
// Assumed are:
//
//   - An upload drops the secrets that it does not name ([Cloud.KeepSecrets]).
//   - The status with which a Worker is refused if there is no workers.dev subdomain.
//   - The compatibility date of a new Pages project is the day of its creation.
//   - A PATCH of a Pages project sets the wrangler_config_hash if it has one, and
//     otherwise keeps it.
//   - A map of bindings that lost its last entry is an empty object.
//   - A variable of type secret_text can be set to the empty value that was read.
//   - The settings of a Worker show observability as it was uploaded, and Smart Placement
//     as analyzed just now.
//   - The handlers of a Worker are fetch, whatever its code.
//   - An account has one set of uploaded files, and they are never removed.
//   - A deployment is refused if it names a file that was not uploaded, or too many.
//   - How long an upload token is valid, and its claims other than exp and
//     max_file_count_allowed.
//   - The stages between queued and the end of a deployment, and the texts of its log.
//   - A deployment's address answers 404 until the deployment has succeeded.
//   - A project's domain is active as soon as a record of the account leads to it.
//
// # Deleting a Worker
//
// A Worker to which another one is bound can be deleted only with force=true (code
// 10142). Since August 2025 the same holds if the Functions of a Pages project are
// bound to it (https://github.com/cloudflare/workers-sdk/pull/10186). Functions have
// the bindings with which they were last deployed. So a project without deployments
// holds no Worker. A project whose binding was removed still holds the Worker until it
// is deployed again or deleted. The message is the one for Workers; the real one for a
// Pages project is not public.
//
// # Deploying a site
//
// wrangler uploads a site in calls that Cloudflare does not document, except for the
// last:
// https://github.com/cloudflare/workers-sdk/tree/main/packages/wrangler/src/pages.
// A file's key is a hash of its content and its extension. Cloudflare does not compare
// the two when a file is uploaded. A deployment whose keys all came from another hash
// function was seen to succeed and then to answer 500 to each request, so the emulator
// does the same: https://github.com/Shudesu/line-harness-oss/pull/276. A single wrong key
// serves what is stored under it, as in the source of Cloudflare's asset server:
// https://github.com/cloudflare/workers-sdk/blob/main/packages/pages-shared/asset-server/handler.ts.
// An upload under a key that is already stored replaces the content (assumed).
//
// The Cloud serves the files of each deployment at its address (see
// [Cloud.DeploymentURL]) but runs no Functions. [Cloud.Site] has all that a runtime
// needs to serve a project in full. With a runtime, [Cloud.CheckStart] finds code that
// throws as it starts.
//
// # Not emulated
//
// There are no builds, no service workers, and Workers have no routes, custom domains or
// assets. One version of a Worker runs at a time; beside it only the one that was uploaded
// last is kept. A Worker has variables, secrets, services and, since somebody may bind what
// this project does not know, KV namespaces, of which only the form is checked. Functions
// have variables, secrets and services. DNS has CNAME records; others are there only if
// [Cloud.AddRecord] made them.
package cloudflare
