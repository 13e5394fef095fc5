// Package deployment puts a folder on a Pages project by Direct Upload: the sub-commands
// deploy and undeploy, which the stack runs as a command resource.
//
// It sends what wrangler sends, so that Cloudflare serves the same site whichever of them
// deployed it: each file once under a key of its content, then a manifest of paths and
// keys. It needs no Node, but for a folder of file routes (functions), which only wrangler
// can compile.
//
// Each deployment is marked at the end of its commit message with its stack and its
// request. By the mark a run finds the deployment of a run that died before it could
// record it, and a deployment that somebody else made is told from ours and not replaced
// unasked.
//
// https://developers.cloudflare.com/pages/get-started/direct-upload/
// https://github.com/cloudflare/workers-sdk/blob/main/packages/wrangler/src/api/pages/deploy.ts
package deployment
