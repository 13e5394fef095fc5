// Package tidbcloud talks to the two REST APIs of TiDB Cloud Starter and
// Essential: the one of clusters and the one of SQL users.
//
//   - https://docs.pingcap.com/tidbcloud/api/v1beta1/serverless/
//   - https://docs.pingcap.com/tidbcloud/api/v1beta1/iam/
//
// It says what the APIs can do and nothing of what ought to be: that is for the
// Pulumi provider above it. What it adds to plain calls is what every caller
// would otherwise have to know:
//
//   - Authentication is HTTP digest, whose counters make calls depend on their
//     order (digest.go).
//   - An answer may leave out any field. Only a cluster without an id and a user
//     without a name are of no use to anybody; those are errors where they are
//     read, so that no later call goes to "/clusters/" without an id.
//   - A cluster is usable only once it is ACTIVE and its host, port and user
//     prefix are known (wait.go).
//   - The APIs word errors in two shapes, and seldom say what to do (errors.go).
//   - An update names one field by its mask. The official clients never send two
//     in one call, and neither does this one, so each field has a method.
//
// Time comes from package time alone. The tests run in [testing/synctest], where
// that clock is exact and free.
package tidbcloud
