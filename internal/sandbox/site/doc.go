// Package site serves what was deployed to the emulated Cloudflare by Cloudflare's own parts:
// a Pages project's files by the asset handler of wrangler, its Functions and the Workers
// behind them by Miniflare on workerd. The database's HTTP endpoint is the emulated one.
//
// Each request is answered from what is deployed at that moment. miniflare.mjs runs in Node.js
// and is given one program after the other, through a pipe; when the pipe closes, Node.js and
// workerd end. Without npm plain files are served.
//
// A test compares the answers with those of `wrangler pages dev`. Where that differs from Pages,
// this is as Pages is: only what was deployed is served, so neither _routes.json nor _worker.js,
// and a path below a file, such as /style.css/, is one without a file.
//
// # Differences from Cloudflare
//
//   - A Worker reaches the site, the Workers that it is bound to, and the database over HTTP.
//     All other hosts answer 502, and there are no sockets, since the sandbox is offline.
//   - Of bindings there are services, variables and secrets.
//   - The cache is empty at each start, and request.cf has Miniflare's placeholder.
//   - There are no early hints and no compression. An asset has the header X-Server-Env.
//   - A path with a malformed escape, such as /%zz, answers 400.
//   - A new deployment or Worker cuts off the requests that are being answered.
//   - Only the production environment is served.
package site
