// Package cloudflare emulates the part of the Cloudflare REST API that deploys Pages
// projects and Workers and gives them domains. Its clients are this project, the
// Cloudflare provider, wrangler and curl.
//
// It is strict: with a lenient emulator, a client's mistakes would show only at the
// real API. It refuses fields that the API does not document, bindings to Workers that
// do not exist, and modules that the metadata does not name. A route that is not
// emulated answers an error that names it. A call that fails changes nothing.
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
//   - The handlers of a Worker are guessed from the text of its main module.
//   - An account has one set of uploaded files, and they are never removed.
//   - A deployment is refused if it names a file that was not uploaded, or too many.
//   - How long an upload token is valid, and its claims other than exp and
//     max_file_count_allowed.
//   - The stages between queued and the end of a deployment, and the texts of its log.
//   - The deployment of a version has the trigger "deployment".
//   - A deployment's address answers 404 until the deployment has succeeded.
//   - A project's domain is active as soon as a record of the account leads to it.
//   - The codes that refuse a DNS record whose content is not of its type.
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
// There are no builds, and Workers have no routes, custom domains or assets. One version
// of a Worker runs at a time. DNS has four types of records. Of bindings other than
// services only the form is checked, not what they name.
package cloudflare
