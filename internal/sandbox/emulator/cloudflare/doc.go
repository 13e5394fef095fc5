// Package cloudflare emulates the part of the Cloudflare REST API with which Pages
// projects and Workers are deployed and get their domains: by this project, the
// Cloudflare provider, wrangler or curl.
//
// It is strict, since clients would learn mistakes from a lenient one that only the
// real API finds. It refuses fields that the API does not document, bindings to
// Workers that are not there, and modules that the metadata does not name. A route
// that is not emulated answers an error that names it. A call that fails changes
// nothing.
//
// The state is in memory and, if [Cloud.File] is set, in a file, so that it outlives
// the process. The files of sites lie in a folder beside it. No secret is ever in an
// answer. The file has salted hashes of them ([Secret.Is]); their values stay in memory
// ([Cloud.Reveal]).
//
// Shapes and codes come from answers of the real API that people have published,
// from what Cloudflare's own clients rely on, and from the references
// https://developers.cloudflare.com/api/resources/pages/,
// https://developers.cloudflare.com/api/resources/workers/ and
// https://developers.cloudflare.com/api/resources/dns/, in this order. A refusal
// whose code is in none of them has [codeUnknown], which clients must not rely on.
// Assumed are:
//
//   - An upload drops the secrets that it does not name ([Cloud.KeepSecrets]).
//   - The status of the refusal of a Worker if there is no workers.dev subdomain.
//   - The compatibility date of a new Pages project is the day of its creation.
//   - A PATCH of a Pages project sets the wrangler_config_hash if it has one, and
//     otherwise keeps it.
//   - A map of bindings without its last entry is an empty object.
//   - A variable of type secret_text can be set to the empty value that was read.
//   - The settings of a Worker show observability as it was uploaded, and of Smart Placement
//     that it was analyzed just now.
//   - The handlers of a Worker are guessed from the text of its main module.
//   - An account has one set of uploaded files, and they are never removed.
//   - A deployment is refused if it names a file that was not uploaded, or too many.
//   - The claims of an upload token but exp and max_file_count_allowed, and how long it
//     is valid.
//   - The stages between queued and the end of a deployment, and the texts of its log.
//   - What triggers the deployment of a version is called "deployment".
//   - A deployment does not answer before it has succeeded.
//   - A project's domain is active as soon as a record of the account leads to it.
//   - The codes of a DNS record whose content is not of its type.
//
// # Deleting a Worker
//
// A Worker to which another one is bound can be deleted only with force=true (code
// 10142). Since August 2025 that is also the case if the Functions of a Pages
// project are bound to it (https://github.com/cloudflare/workers-sdk/pull/10186).
// Functions have the bindings with which they were last deployed. So a project
// without deployments holds no Worker, and one whose binding was removed still
// does until it is deployed again or deleted. The message is that for Workers; the
// real one for a Pages project is not public.
//
// # Deploying a site
//
// wrangler uploads a site in calls that Cloudflare does not document, except for the
// last:
// https://github.com/cloudflare/workers-sdk/tree/main/packages/wrangler/src/pages.
// A file's key is a hash of its content and its extension. Cloudflare does not compare
// the two when a file is uploaded. A deployment whose keys were all those of another hash was
// seen to succeed and then to answer 500 to each request, so that is what it does here:
// https://github.com/Shudesu/line-harness-oss/pull/276. A single wrong key serves what is
// stored under it, as Cloudflare's asset server is written. An upload under a key that has a
// content replaces it (assumed).
// https://github.com/cloudflare/workers-sdk/blob/main/packages/pages-shared/asset-server/handler.ts
//
// The Cloud serves the files of each deployment at its address (see
// [Cloud.DeploymentURL]) but runs no Functions. [Cloud.Site] has all that a runtime
// needs to serve a project in full, and with one [Cloud.CheckStart] tells code that cannot
// start.
//
// # Not emulated
//
// There are no builds, and no routes, custom domains and assets of Workers. Of a Worker
// one version runs at a time. Of DNS there are records of four types. Of bindings other
// than services only the form is checked, not what they name.
package cloudflare
