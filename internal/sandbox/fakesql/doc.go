// Package fakesql is what stands behind the endpoints of the clusters that
// faketidb emulates: real servers of the MySQL protocol, with TLS, and the HTTP
// endpoint that the driver [@tidbcloud/serverless] calls from Workers.
//
// [Servers] learns from faketidb which clusters and users there are, so whatever
// the program under test made through the IAM API can be used at once, and nothing
// else can: a login is checked as in production, and so is what it may do.
//
// # Embedded
//
// By default each cluster is a [go-mysql-server] of this process, with databases
// in memory (its package memory), on a loopback port of its own that stays the same
// between runs. It needs no other program and no cgo.
//
//   - TLS is required. A CA and a server certificate are made at the first start
//     and kept in [Servers.Dir]; clients trust [Servers.CAFile]. Who comes without
//     TLS gets TiDB Cloud's error 1105.
//   - Users have mysql_native_password and the hash that faketidb hands over. What a
//     built-in role may do is granted database by database, and again whenever
//     there is a new one: a privilege on *.* would cover the grant tables as well.
//   - Data is kept. After each statement that changed something, and before its
//     answer leaves, the cluster's databases are written to one file as SQL (see
//     dump.go), whole or not at all; at the start it is run again. What was
//     answered survives a SIGKILL of the process, though not a power cut. A
//     definition that the engine could not read again, such as some CHECK
//     constraints, is an error at once.
//
// Package memory is made for tests of the engine. Three layers make a server of it:
// [gate] orders statements, since memory has no concurrency control; [storage]
// mends its tables; and [handler] holds each answer back until the statement is
// over and the data is kept.
//
// # Where it differs from a TiDB
//
// It is an emulator for development. What fails here but not there is a nuisance;
// what works here but not there is a trap, so what TiDB lacks (triggers, stored
// procedures, events, FULLTEXT and spatial indexes) is refused with error 1235. Known
// differences:
//
//   - Size. A write costs time in proportion to the rows of its table and, for the
//     file, of the cluster; making or loading n rows costs n². Some thousand rows a
//     table are fine (5,000 load in 2 seconds), a hundred thousand are not.
//   - A transaction that wrote keeps all other writers waiting, not only those of
//     the same rows; after [Servers.LockWait] they fail with error 1205. There are
//     no savepoints and no temporary tables.
//   - Missing in the engine: TiDB's own syntax (AUTO_RANDOM, CLUSTERED, ...) except
//     in /*T! */ comments, which it skips as MySQL does; some functions (TRUNCATE,
//     MAKEDATE, ADDTIME, SEC_TO_TIME); ~; ALTER VIEW; assignment within a SELECT
//     (@a := 1); EXPLAIN without FORMAT=TREE. It has CHECK constraints and foreign
//     keys, and enforces both.
//   - An UPDATE that changes only the case of a text does nothing where the
//     collation makes no difference between the two. Collations do not pad: 'a' and
//     'a ' differ. Numbers beyond 2^53 in JSON lose digits.
//   - SET GLOBAL is refused, also to admins: the variables belong to the process.
//   - The type of an expression of integers may be narrower than TiDB's BIGINT, so
//     the driver may give 1 for what it gives "1" for there.
//   - Error texts are the engine's; numbers and SQLSTATEs are MySQL's.
//
// # A server of one's own
//
// With [Servers.DSN], a MariaDB, MySQL or TiDB server takes the place of the
// embedded ones: same users, same roles, a real optimizer and real concurrency. It
// must have TLS, since that is what clients of TiDB Cloud ask for. One server serves
// all clusters, so they are told apart by the prefix of their users alone, and share
// databases. Deleting a cluster drops its users; its databases stay, because
// nothing tells whose they are. On TiDB, which the tests do not cover, the roles are
// granted on *.*. [Servers.LoginLag] has no effect.
//
// # HTTP
//
// [Servers.HTTP] answers POST /v1beta/sql as the driver 0.3.0 expects it. All
// clusters share one address here, so the prefix of the Basic user decides which
// one is meant. Each statement runs on a connection with that login to the
// cluster's server, which has the say in everything. Types are named as
// go-sql-driver names them, and those names are the ones that the driver knows.
// What it never sends is refused: unknown fields, an isolation level without BEGIN,
// two statements of one session at a time. It asks for https://http-HOST at the
// usual port, so in a sandbox its own setting "fetch" has to lead it to the
// endpoint, and [Servers.Host] must be a name, "localhost": http-127.0.0.1 is no
// host to a URL parser.
//
// What the real endpoint does with a failed statement's status, with more than
// 10,000 rows and with a session after COMMIT is not documented. Here it is 400
// (401 for a refused login), 400, and a new session for the next statement.
//
// [@tidbcloud/serverless]: https://docs.pingcap.com/tidbcloud/serverless-driver/
// [go-mysql-server]: https://github.com/dolthub/go-mysql-server
package fakesql
