// Package tidbcloud emulates what a program sees of TiDB Cloud when it makes
// Starter ("Serverless") clusters and their SQL users: the [cluster API] and the
// SQL users and projects of the [IAM API], behind HTTP digest authentication ([RFC 7616]).
// Both hosts of the real cloud are served by one handler, [Cloud]; their paths
// do not collide, so a client points both of its base URLs to one address.
//
// It is written from the published API descriptions and knows nothing of this
// project's client: a mistake that the two shared would cancel out.
//
// # Strict where the real cloud is lenient
//
// The emulator is there to find a client's mistakes, so it accepts the
// documented form of a request and nothing else. What the real cloud passes over
// in silence is an error here:
//
//   - A field that a request does not have, a field in the wrong case and a field
//     that is read-only (name, clusterId, state, region.provider, ...) answer 400;
//     so do unknown query parameters. Null means absent, as in protobuf's JSON.
//   - A PATCH of a cluster names exactly one field in updateMask, and its body
//     holds that field and no other. By protobuf's rules a masked field that the
//     body lacks would be cleared and one outside of the mask ignored: both are
//     more often a slip than a wish.
//   - A filter has the form of the documentation's examples: no space around "=",
//     "AND" in capitals, quotes around anything but plain names.
//   - The digest is checked whole, the nonce count included. Only the very next
//     count of a nonce is taken. A repeat or a gap answers 401 with stale=true, so
//     a client that lost count starts anew with the fresh nonce, and a replayed
//     request never takes effect.
//
// # A world that moves by itself
//
// A cluster is CREATING for [Cloud.CreateTime]; its host, port and user prefix
// are empty until it is ACTIVE. A deleted one is DELETING for [Cloud.DeleteTime]
// and then gone. Nothing runs in the background: what a cluster is follows from
// its times and from [Cloud.Now], so a test moves the clock and need not wait, and
// a restarted emulator goes on where it was. [Cloud.SetState] holds a cluster in
// any state, known to the API or not.
//
// Every cluster comes with the SQL user <prefix>.root: it is in the list, its
// roles cannot change and it cannot be deleted. A user's full name, prefix and
// all, has at most the 32 characters that MySQL allows.
//
// # What is uncertain
//
// Where the documentation is silent the emulator takes a side: a duplicate SQL
// user answers 400 (the only error that the IAM API documents), a missing one
// 404; a second DELETE
// answers like the first; only clusters without a spending limit count towards
// the quota; view=BASIC leaves out the settings. The IAM API's error body declares
// its "error" member without a type: here it is the text.
//
// # Secrets
//
// The private key is held in memory only and no answer shows a password. Of a
// password the state keeps what a MySQL server keeps for mysql_native_password,
// SHA1(SHA1(password)), so that logins can be checked after a restart as well.
//
// [cluster API]: https://docs.pingcap.com/tidbcloud/api/v1beta1/serverless/
// [IAM API]: https://docs.pingcap.com/tidbcloud/api/v1beta1/iam/
// [RFC 7616]: https://www.rfc-editor.org/rfc/rfc7616
package tidbcloud
