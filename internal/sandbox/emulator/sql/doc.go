// Package sql serves the databases of the clusters that package tidbcloud emulates:
// the MySQL protocol with TLS, and the HTTP endpoint that the driver
// [@tidbcloud/serverless] calls from Workers. [Servers] learns from tidbcloud which
// clusters and users there are.
//
// # TiDB
//
// Behind each cluster is a TiDB of its own: a process of the program that internal/tools/tidb
// builds, on a folder of its own below [Servers.Dir]. This package owns the cluster's port,
// which stays the same between runs, and hands each connection on to TiDB's Unix socket. TiDB
// does TLS itself, with the certificate of [Servers.CAFile].
//
//   - It starts at the first connection, from a copy of a bootstrapped folder, and ends when
//     its standard input does: also when this process is killed.
//   - A client that does not ask for TLS is refused here, as TiDB Cloud's gateway does.
//   - Users come from the IAM API, with a role each that is theirs by default. They are brought
//     to TiDB at the next connection, by the standard input, as what it runs from there needs
//     no login; "root" without a prefix is removed. Those that an administrator creates in SQL
//     are TiDB's own.
//   - No role writes TiDB's own tables: its "security enhanced mode" is on. Nor does one read a
//     hash of a password.
//   - What was answered survives a SIGKILL of either process, not a loss of power.
//
// # Differences from TiDB Cloud
//
//   - Each start leaves out 30,000 values of an AUTO_INCREMENT column, as each of TiDB Cloud's
//     servers does with a range of its own. A TINYINT or SMALLINT key is soon at its end. In
//     a table with AUTO_ID_CACHE 1 it is 4,000.
//   - Garbage is never collected, so the folder grows, and tidb_snapshot reaches back to the
//     beginning.
//   - TiDB Cloud Starter is a later build of TiDB: VERSION() differs, and so may what is new.
//   - What role_admin may set by SET GLOBAL is assumed: what TiDB lets SUPER set in its
//     security enhanced mode.
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
package sql
