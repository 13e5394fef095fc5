// Package tidbcloud is a client of the two REST APIs of TiDB Cloud Starter and Essential.
//
//   - Clusters and their branches: https://docs.pingcap.com/tidbcloud/api/v1beta1/serverless/
//   - SQL users: https://docs.pingcap.com/tidbcloud/api/v1beta1/iam/
//
// It does what the APIs can do. What should exist is up to the Pulumi provider. Some things are
// less plain than a call:
//
//   - The APIs authenticate by HTTP digest, whose counters make the order of calls matter
//     (digest.go).
//   - A response may leave out any field. Decoding fails for a cluster without an ID and a user
//     without a name, so that no later call goes to "/clusters/". No call about a branch can reach its
//     parent, whatever the ID (branch.go).
//   - A client can connect to a cluster once it is ACTIVE and its host, port and user prefix
//     are known (wait.go).
//   - The APIs report errors in two shapes, and seldom say what to do (errors.go).
//   - An update sends one field, as in the official clients, so each field has a method.
//
// Time comes from package time alone, so the tests can run in [testing/synctest].
package tidbcloud
