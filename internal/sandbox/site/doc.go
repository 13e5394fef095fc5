// Package site serves what was deployed to the emulated Cloudflare, by Cloudflare's own parts:
// a Pages project's files by wrangler's asset handler, and its Functions and the Workers behind
// them by Miniflare on workerd. The database's HTTP endpoint is the emulated one.
//
// Each request is answered from what is deployed at that moment. miniflare.mjs runs in Node.js
// and gets one program after the other through a pipe. When the pipe closes, Node.js and
// workerd end. Without npm, plain files are served.
//
// [Sites] serves the sites of several stacks, each at a host of its own. They share the Node.js,
// and each has a workerd, which starts at its first request. So a Worker that does not start, and
// a deployment, which starts workerd again, concern one site alone. A site takes 80 MB of memory
// more; with a Node.js of its own it would take 300 MB.
//
// A test compares the answers with those of `wrangler pages dev`. Where wrangler differs from
// Pages, this package follows Pages. Only what was deployed is served, so _routes.json and
// _worker.js are not. A path below a file, such as /style.css/, names no file (assumed).
//
// # Differences from Cloudflare
//
//   - A Worker reaches its own site, the Workers that it is bound to, and the database over HTTP.
//     All other hosts answer 502, and there are no sockets, since the sandbox is offline.
//   - The only bindings are services, variables and secrets.
//   - The cache is empty at each start, and request.cf has Miniflare's placeholder.
//   - There are no early hints and no compression. An asset has the header X-Server-Env.
//   - A path with a malformed escape, such as /%zz, answers 400.
//   - A new deployment or Worker cuts off requests in progress.
//   - Only the production environment is served.
package site
