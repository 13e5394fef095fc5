// Package tidbcloud emulates the part of TiDB Cloud that manages Starter
// ("Serverless") clusters, their branches and SQL users: the [cluster API], and the SQL users
// and projects of the [IAM API], behind HTTP digest authentication ([RFC 7616]). One
// handler, [Cloud], serves both hosts of the real cloud. Their paths do not collide,
// so a client can point both base URLs to one address.
//
// It is written from the published API descriptions and shares nothing with this
// project's client: a mistake in both would cancel out. It emulates the operations and
// fields that this project sends, which include the one call of ticloud, TiDB Cloud's CLI,
// that the stack advises. Any other is an error that names it.
//
// # Strict where the real cloud is lenient
//
// The emulator is there to find a client's mistakes, so it accepts only the
// documented form of a request. What the real cloud ignores is an error here:
//
//   - An unknown or read-only field (name, clusterId, state, region.provider, ...), a
//     field in the wrong case and an unknown query parameter answer 400. Null means
//     absent, as in protobuf's JSON.
//   - A PATCH of a cluster names exactly one field in updateMask, and its body has
//     that field and no other. By protobuf's rules a masked field that the body lacks
//     would be cleared, and one outside the mask ignored; both are more likely
//     mistakes.
//   - Only the next count of a digest nonce is accepted. A repeat or a gap answers 401
//     with stale=true, so a client that lost count starts over with the new nonce, and
//     a replayed request never takes effect.
//
// # Time
//
// A cluster is CREATING for [Cloud.CreateTime]; its host, port and user prefix are
// empty until it is ACTIVE. A deleted one is DELETING for [Cloud.DeleteTime], then
// gone. So is a branch, but it is DELETED for that time, and RESTORING after a reset. Nothing runs in the background: a cluster's state follows from its times and
// from [Cloud.Now]. So a test moves the clock instead of waiting, and a restart
// changes nothing. [Cloud.SetState] holds a cluster in a state.
//
// # Assumptions
//
// Where the documentation is silent, the following is assumed:
//
//   - A duplicate SQL user answers 400, the only error that the IAM API documents, and a
//     missing one 404.
//   - A second DELETE answers like the first.
//   - Only clusters without a spending limit count towards the quota.
//   - The branches of a cluster are deleted with it. A branch that is reset keeps root's
//     password. A list of branches shows no annotations.
//   - root cannot be deleted and keeps its role.
//   - A disabled public endpoint is still shown with its host and port.
//   - The "error" member of the IAM API's error body, declared without a type, is the text.
//
// # Secrets
//
// The private key is in memory only, and no answer shows a password. The state keeps
// the hash that a MySQL server keeps for mysql_native_password, SHA1(SHA1(password)),
// so that logins can be checked after a restart.
//
// [cluster API]: https://docs.pingcap.com/tidbcloud/api/v1beta1/serverless/
// [IAM API]: https://docs.pingcap.com/tidbcloud/api/v1beta1/iam/
// [RFC 7616]: https://www.rfc-editor.org/rfc/rfc7616
package tidbcloud
