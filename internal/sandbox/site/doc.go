// Package site serves what was deployed to the emulated Cloudflare: a Pages project's
// files by the rules of Pages, its Functions and the Workers behind them on workerd,
// Cloudflare's own runtime, and the emulated TiDB Cloud's SQL over HTTP.
//
// Each request is answered from what is deployed at that moment, so nothing has to be
// restarted after a deployment. workerd is started again if the code or the bindings that
// it runs have changed, before the first request that needs them.
//
// The rules for files are those of Cloudflare's own asset server, which wrangler runs as
// well: https://github.com/cloudflare/workers-sdk/blob/main/packages/pages-shared/asset-server/handler.ts
// A test compares the answers of both.
//
// # Differences from Cloudflare
//
//   - A Worker reaches the other Workers that it is bound to and SQL over HTTP. All other
//     hosts answer 502, since the sandbox is offline.
//   - Of bindings there are services, variables and secrets.
//   - There is no cache, no early hints and no compression.
//   - A path with a malformed escape, such as /%zz, answers 400.
//   - Only the production environment is served.
package site
