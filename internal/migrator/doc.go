// Package migrator applies a folder of migrations to a database of TiDB, so that a run may die
// anywhere.
//
// The database itself says what was applied: in the tool's own table, so that the tool's CLI works
// on the same database, and in a table of steps beside it. TiDB's DDL is not transactional
// (https://docs.pingcap.com/tidbcloud/transaction-overview/). So a migration is a list of steps. A
// statement that changes the schema is one. The statements that change rows between two such are
// one, in a transaction with the record of it. TiDB's own parser tells which. A run
//
//   - takes a lock, which other runs wait for, and uses that one connection throughout,
//   - records the hash of a change of the schema before it executes it,
//   - executes the step, and
//   - records it as finished; with the last step it also writes the tool's own record.
//
// If it dies in between, the next run finds the record and executes the statement again. Only such
// a re-run may treat "already exists" as success. If the server refuses the statement, the record
// is removed, so that the next run does not take somebody else's table for ours. (It does if the
// run dies before it can remove the record.) A statement that would take effect twice, such as an
// index without a name, is refused. BATCH … LIMIT, for more rows than fit in a transaction, is a step
// that may run again, if a comment above it says so.
//
// A finished step stays. If a later one is refused, its text may be changed, and steps may be added
// behind it. A step whose outcome is unknown must be as it was. TiDB goes on with a change of the
// schema when its client is gone, and keeps the lock until then.
//
// What the tool's CLI applied has no record of ours and counts as applied. The next run that
// applies something records its hash, which shows whether a file was changed later.
//
// Plain files are those of a folder that no tool has written: seeds, and masks of a copy. The table of
// steps alone has them, under a name of their own, and all else holds for them too.
//
// What the server says of a statement may have values of rows, and what a run says may be public. A
// redacted run uses connections that keep the server's text to themselves (package sqllogin), so that
// no path of an error can show it.
//
// TiDB's GET_LOCK is a transaction (pkg/session/advisory_locks.go of v8.5.6), and others may clear
// the lock of one that is older than an hour (max-txn-ttl,
// https://docs.pingcap.com/tidb/stable/tidb-configuration-file/#max-txn-ttl). The session does not
// notice that, and to ask takes a second. So whoever has the lock writes a token, and every
// transaction of a run begins by locking it. It fails if another run has written its own.
package migrator
