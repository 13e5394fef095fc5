// Package sql serves the databases of the clusters that package tidbcloud emulates, by
// the MySQL protocol with TLS and by the HTTP endpoint that the driver
// [@tidbcloud/serverless] calls from Workers. Package tidbcloud tells [Servers] which
// clusters and users there are.
//
// # TiDB
//
// Each cluster has a TiDB of its own: a process of the program that internal/tools/tidb
// builds, on a folder of its own below [Servers.Dir]. This package owns the cluster's port,
// which stays the same between runs, and passes each connection on to TiDB's Unix socket. TiDB
// does TLS itself, with a certificate of the CA in [Servers.CAFile].
//
//   - TiDB starts at the first connection. A new cluster's folder is a copy of a bootstrapped
//     one. TiDB ends when its standard input is closed, so also when this process is killed.
//   - Four run at once, or as many as have clients. Before another one starts, the one that has
//     been idle longest ends.
//   - A client that does not ask for TLS is refused here, as TiDB Cloud's gateway does.
//   - Users come from the IAM API, each with one role, which is active by default. TiDB learns
//     of them at the next connection, by its standard input, since what it runs from there
//     needs no login. "root" without a prefix is removed. Users that an administrator creates
//     in SQL are TiDB's own.
//   - No role can write TiDB's own tables: its "security enhanced mode" is on. No role can read
//     the hash of a password.
//   - What was answered survives a SIGKILL of either process, but not a loss of power.
//
// # Differences from TiDB Cloud
//
//   - Each start skips 30,000 values of an AUTO_INCREMENT column, as each of TiDB Cloud's
//     servers uses a range of its own. A TINYINT or SMALLINT key soon reaches its end. In a
//     table with AUTO_ID_CACHE 1 a start skips 4,000 values.
//   - A branch is a logical copy, made at the first connection: the databases, tables, rows,
//     sequences and views of its parent at the moment, read at that tidb_snapshot. Users,
//     privileges and global variables are not copied, and root is the definer of the views.
//     TiDB Cloud copies on write. Whether the users come along is not documented; with
//     [tidbcloud.Cloud.InheritUsers] those of the IAM API do.
//   - Garbage is never collected, so the folder grows, and tidb_snapshot reaches back to the
//     beginning.
//   - TiDB Cloud Starter is a later build of TiDB: VERSION() differs, and so may new features.
//   - What role_admin may set by SET GLOBAL is assumed: what TiDB lets SUPER set in its
//     security enhanced mode.
//
// # HTTP
//
// [Servers.HTTP] answers POST /v1beta/sql as version 0.3.0 of the driver expects, on a
// connection with the client's login. All clusters share one address, so the prefix of the
// user selects the cluster. A user without a prefix belongs to the last cluster that has none.
// The driver calls https://http-HOST, so in a sandbox its option fetch must lead to the
// endpoint.
//
// The following is not documented, and assumed. A disabled public endpoint answers 503 here
// and closes MySQL connections. A refused login has the status 401. Any other statement that
// fails, and a result of more than 10,000 rows, have the status 400. The statement after COMMIT
// gets a new session.
//
// [@tidbcloud/serverless]: https://docs.pingcap.com/tidbcloud/serverless-driver/
package sql
