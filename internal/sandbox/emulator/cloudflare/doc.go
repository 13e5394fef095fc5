// Package cloudflare emulates those calls of the Cloudflare REST API that
// deploying a Pages project and a Worker takes: by wrangler, by the Terraform
// and Pulumi providers, by curl, by a client of one's own.
//
// It is strict, because an emulator that forgives teaches its clients mistakes
// that only the real cloud would find. A request with a field that the API does
// not document, a binding to a Worker that is not there, a module that the
// metadata does not name: each is refused. A route that is not emulated answers
// an error that names it, so that it is noticed. Nothing is half done: a call
// that is refused, or whose effect cannot be saved, leaves the state as it was.
//
// It keeps its state, in memory and, where [Cloud.File] says so, in a file, and
// can be stopped and started between any two calls. A secret is never in an
// answer and never in the file; what is kept is enough to ask whether a value
// is the one that was stored ([Secret.Is]).
//
// Shapes and codes follow public material, in this order: answers of the real
// API that people have published, what Cloudflare's own clients rely on, and
// the reference at https://developers.cloudflare.com/api/resources/pages/ and
// https://developers.cloudflare.com/api/resources/workers/. Where a refusal's
// code is in none of them it carries [codeUnlisted], on which no client may
// rely. The errors of authentication, the limit of calls, projects, domains,
// Workers, services, uploads and service bindings are as published; these are
// not, and may differ:
//
//   - Whether an upload keeps the secrets that it does not name ([Cloud.KeepSecrets]).
//   - The status of the refusal of a Worker for want of a workers.dev subdomain.
//   - A new Pages project's compatibility date is the day on which it was made.
//   - A PATCH of a Pages project stores the wrangler_config_hash that it
//     carries and keeps the old one otherwise.
//   - A map of bindings that has lost its last entry is an empty object.
//   - A variable of type secret_text that is sent with an empty value is set to
//     that: whoever writes back what was read loses the secret.
//   - The settings of a Worker show observability as it was uploaded; the real
//     API may fill in what was left out.
//   - The handlers of a Worker are guessed from the text of its main module.
//   - A project's own domain stays as it was added; nobody validates it.
//
// # What deleting a Worker meets
//
// A Worker that another one binds cannot be deleted without force=true (code
// 10142). Since August 2025 the same holds for one that a Pages project's
// functions bind (https://github.com/cloudflare/workers-sdk/pull/10186). The
// functions of a project have the bindings with which they were last deployed,
// so a project without deployments stands in nobody's way, and one whose
// binding was removed afterwards still does, until it is deployed again or
// deleted. The words of that refusal are those of the one for Workers; what the
// real API says of a Pages project is not public.
//
// # What it does not have
//
// Builds: a deployment succeeds at once ([Cloud.AddDeployment] makes one).
// Uploading assets, versions of a Worker, routes, and the resources that other
// kinds of binding name: those bindings are checked for their form only.
package cloudflare
