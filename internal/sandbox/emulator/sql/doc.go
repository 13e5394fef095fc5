// Package sql is what stands behind the endpoints of the clusters that
// tidbcloud emulates: real servers of the MySQL protocol, with TLS, and the HTTP
// endpoint that the driver [@tidbcloud/serverless] calls from Workers.
//
// [Servers] learns from tidbcloud which clusters and users there are. A login is
// checked as in production, and so is what it may do.
//
// # Embedded
//
// By default each cluster is a [go-mysql-server] of this process, with databases
// in memory (its package memory), on a loopback port of its own that stays the same
// between runs. It needs no other program and no cgo.
//
//   - TLS is required; clients trust [Servers.CAFile].
//   - Users have mysql_native_password and the hash that tidbcloud hands over. What a
//     built-in role may do is granted database by database, and again whenever
//     there is a new one: a privilege on *.* would cover the grant tables as well.
//   - Data is kept. After each statement that changed something, and before its
//     answer is sent, the cluster's databases are written to one file as SQL, whole
//     or not at all; at the start it is run again. What was answered survives a
//     SIGKILL of the process, though not a power cut. A definition that the engine
//     could not read again is an error at once.
//
// Package memory is made for tests of the engine: [locks] order its statements,
// [storage] mends its tables.
//
// # Where it differs from a TiDB
//
// What fails here but not there is a nuisance; what works here but not there is a
// trap, so what TiDB lacks is refused (triggers, stored procedures, events, spatial
// types, MySQL's other collations) and what it ignores is ignored (CHECK, FULLTEXT).
// Known differences:
//
//   - Size. A write costs time in proportion to the rows of its table and, for the
//     file, of the cluster; making or loading n rows costs n². Some thousand rows a
//     table are fine, a hundred thousand are not.
//   - A transaction that wrote keeps all other writers waiting, not only those of
//     the same rows; after [Servers.LockWait] they fail with error 1205. There are
//     no savepoints and no temporary tables.
//   - Missing in the engine: TiDB's own syntax (AUTO_RANDOM, CLUSTERED, ...) except
//     in /*T! */ comments, which it skips as MySQL does; some functions (TRUNCATE,
//     MAKEDATE, ADDTIME, SEC_TO_TIME); ~; ALTER VIEW; assignment within a SELECT
//     (@a := 1); EXPLAIN without FORMAT=TREE; gbk.
//   - Generated columns are always stored. A unique key of DECIMALs, or of prefixes
//     under a collation that ignores case, lets in what TiDB does not.
//   - An UPDATE that changes only the case of a text does nothing under a collation
//     that ignores case. 'a' and 'a ' differ. Numbers beyond 2^53 in JSON lose digits.
//   - SET GLOBAL is refused, also to admins: the variables belong to the process.
//   - The type of an expression of integers may be narrower than TiDB's BIGINT.
//   - Error texts are the engine's; numbers and SQLSTATEs are TiDB's.
//
// # A server of one's own
//
// With [Servers.DSN], a MariaDB, MySQL or TiDB server takes the place of the
// embedded ones: same users, same roles, a real optimizer and real concurrency. It
// must have TLS, since that is what clients of TiDB Cloud ask for, and no anonymous
// users, who shadow those that log in from the same host. One server serves all
// clusters, so they are told apart by the prefix of their users alone, and share
// databases, which stay when a cluster is deleted.
//
// # HTTP
//
// [Servers.HTTP] answers POST /v1beta/sql as the driver 0.3.0 expects it. All
// clusters share one address here, so the prefix of the Basic user decides which
// one is meant. Each statement runs on a connection with that login to the
// cluster's server. The driver asks for https://http-HOST at the usual port, so in a
// sandbox its own setting "fetch" has to lead it to the endpoint.
//
// Assumed, since it is not documented: a failed statement has the status 400 (401
// for a refused login), so have more than 10,000 rows, and after COMMIT the next
// statement gets a new session.
//
// [@tidbcloud/serverless]: https://docs.pingcap.com/tidbcloud/serverless-driver/
// [go-mysql-server]: https://github.com/dolthub/go-mysql-server
package sql
