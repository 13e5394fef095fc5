// Package tidbcloud is a client of the two REST APIs of TiDB Cloud Starter and
// Essential: the one of clusters and the one of SQL users.
//
//   - https://docs.pingcap.com/tidbcloud/api/v1beta1/serverless/
//   - https://docs.pingcap.com/tidbcloud/api/v1beta1/iam/
//
// It covers what the APIs can do; what should exist is for the Pulumi provider above it
// to say. Beyond plain calls it knows this:
//
//   - Authentication is HTTP digest, whose counters make calls depend on their
//     order (digest.go).
//   - A response may leave out any field. A cluster without an ID and a user without a
//     name are errors where they are decoded, so that no later call goes to "/clusters/".
//   - A cluster is usable only once it is ACTIVE and its host, port and user
//     prefix are known (wait.go).
//   - The APIs word errors in two shapes, and seldom say what to do (errors.go).
//   - The official clients send one field in an update, never two, and so does this
//     one: each field has a method.
//
// Time comes from package time alone, so the tests run in [testing/synctest].
package tidbcloud
