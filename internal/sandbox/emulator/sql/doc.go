// Package sql serves the databases of the clusters that package tidbcloud emulates:
// the MySQL protocol with TLS, and the HTTP endpoint that the driver
// [@tidbcloud/serverless] calls from Workers. [Servers] learns from tidbcloud which
// clusters and users there are, and checks logins and privileges as in production.
//
// # Embedded servers
//
// By default each cluster is a [go-mysql-server] in this process, with databases in
// memory, on a loopback port that stays the same between runs. It needs no other
// program and no cgo.
//
//   - TLS is required. Clients trust [Servers.CAFile].
//   - Users have mysql_native_password and the hash that tidbcloud hands over. A
//     built-in role is granted on each database by its name, and again when there is a
//     new one, since a privilege on *.* would cover the grant tables.
//   - After each statement that changed something, and before its answer is sent, the
//     cluster's databases are written to one file as SQL, which is run at the next
//     start. So what was answered survives a SIGKILL. A definition that the engine
//     could not read again is an error at once.
//
// Package memory is made for tests of the engine: [locks] add concurrency control and
// [storage] works around bugs.
//
// # Differences from TiDB
//
// What TiDB lacks is refused: triggers, stored procedures, events, spatial types,
// MySQL's other collations. What it ignores is ignored: CHECK, FULLTEXT. Regular
// expressions are RE2's, see the module in regex. Known differences:
//
//   - A write takes time in proportion to the rows of its table and, for the file, of
//     the cluster. Some thousand rows a table are fine, a hundred thousand are not.
//   - A transaction that wrote blocks all other writers, whatever their rows. After
//     [Servers.LockWait] they fail with error 1205.
//   - Missing: savepoints, temporary tables, TiDB's own syntax (AUTO_RANDOM, CLUSTERED)
//     outside of /*T! */ comments, ALTER VIEW, some functions (TRUNCATE, MAKEDATE,
//     ADDTIME, SEC_TO_TIME), ~, @a := 1, EXPLAIN without FORMAT=TREE, gbk, SET GLOBAL.
//   - Generated columns are always stored. A unique key of DECIMALs, or of prefixes
//     under a collation that ignores case, admits what TiDB does not.
//   - Under a collation that ignores case, an UPDATE that changes only the case does
//     nothing. 'a' and 'a ' differ. Numbers beyond 2^53 in JSON lose digits. Integer
//     expressions may be narrower than BIGINT.
//   - Error texts are the engine's. Numbers and SQLSTATEs are TiDB's.
//
// # External servers
//
// With [Servers.DSN] a MariaDB, MySQL or TiDB server takes the place of the embedded
// ones, with the same users and roles. It must have TLS, as clients of TiDB Cloud
// require it, and no anonymous users, who would shadow others that log in from the
// same host. All clusters share its databases, which stay when a cluster is deleted:
// only the prefix of the users tells clusters apart.
//
// # HTTP
//
// [Servers.HTTP] answers POST /v1beta/sql as version 0.3.0 of the driver expects it,
// on a connection with the client's login. All clusters share one address, so the
// prefix of the user selects the cluster; users without one are those of the last such
// cluster. The driver calls https://http-HOST, so in a
// sandbox its option fetch must lead to the endpoint.
//
// Assumed, since it is not documented: a disabled public endpoint answers 503 here, and
// closes MySQL connections; a statement that fails has the status 400 (401
// for a refused login), as has a result of more than 10,000 rows, and the statement
// after COMMIT gets a new session.
//
// [@tidbcloud/serverless]: https://docs.pingcap.com/tidbcloud/serverless-driver/
// [go-mysql-server]: https://github.com/dolthub/go-mysql-server
package sql
