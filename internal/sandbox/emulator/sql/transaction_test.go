package sql_test

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"portfolio-infra/internal/sandbox/emulator/sql"
)

func TestServers_transactions(t *testing.T) {
	s := start(t, &sql.Servers{LockWait: 50 * time.Millisecond})
	db := api(t, s)
	run(t, db, "CREATE TABLE t (id INT PRIMARY KEY, v INT)", "CREATE TABLE other (id INT PRIMARY KEY)", "INSERT INTO t VALUES (1, 1)")
	a, b := conn(t, db), conn(t, db)

	t.Run("rollback and commit", func(t *testing.T) {
		run(t, a, "BEGIN", "INSERT INTO t VALUES (2, 2)", "UPDATE t SET v = 9 WHERE id = 1")
		wantRows(t, a, "SELECT * FROM t ORDER BY id", "1|9", "2|2")
		wantRows(t, b, "SELECT * FROM t ORDER BY id", "1|1")
		run(t, a, "ROLLBACK")
		wantRows(t, a, "SELECT * FROM t ORDER BY id", "1|1")
		run(t, a, "START TRANSACTION", "INSERT INTO t VALUES (2, 2)", "COMMIT")
		wantRows(t, b, "SELECT * FROM t ORDER BY id", "1|1", "2|2")
	})
	t.Run("who only read undoes nothing", func(t *testing.T) {
		run(t, a, "BEGIN")
		wantRows(t, a, "SELECT v FROM t WHERE id = 1", "1")
		run(t, b, "UPDATE t SET v = 5 WHERE id = 1", "INSERT INTO other VALUES (1)")
		run(t, a, "SET @x = 1")
		wantRows(t, a, "SELECT v FROM t WHERE id = 1", "1") // repeatable read
		run(t, a, "COMMIT")
		wantRows(t, a, "SELECT v FROM t WHERE id = 1", "5")
		wantRows(t, b, "SELECT v FROM t WHERE id = 1", "5")
		wantRows(t, b, "SELECT id FROM other", "1")
	})
	t.Run("who read first writes on what is there", func(t *testing.T) {
		run(t, a, "BEGIN")
		wantRows(t, a, "SELECT v FROM t WHERE id = 1", "5")
		run(t, b, "INSERT INTO t VALUES (3, 3)")
		run(t, a, "UPDATE t SET v = v + 1 WHERE id = 1", "COMMIT")
		wantRows(t, b, "SELECT * FROM t ORDER BY id", "1|6", "2|2", "3|3")
	})
	t.Run("read committed", func(t *testing.T) {
		run(t, a, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED", "BEGIN")
		wantRows(t, a, "SELECT COUNT(*) FROM t", "3")
		run(t, b, "INSERT INTO t VALUES (4, 4)")
		wantRows(t, a, "SELECT COUNT(*) FROM t", "4")
		run(t, a, "COMMIT", "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
	})
	t.Run("writers wait", func(t *testing.T) {
		run(t, a, "BEGIN", "DELETE FROM t WHERE id = 4")
		fails(t, b, 1205, "INSERT INTO t VALUES (5, 5)")
		fails(t, b, 1205, "SELECT * FROM t WHERE id = 1 FOR UPDATE")
		wantRows(t, b, "SELECT COUNT(*) FROM t", "4")
		run(t, a, "COMMIT")
		run(t, b, "INSERT INTO t VALUES (5, 5)")
		wantRows(t, b, "SELECT id FROM t ORDER BY id", "1", "2", "3", "5")
	})
	t.Run("an error leaves the transaction open", func(t *testing.T) {
		run(t, a, "BEGIN", "INSERT INTO t VALUES (6, 6)")
		fails(t, a, 1062, "INSERT INTO t VALUES (7, 7), (1, 1)")
		run(t, a, "COMMIT")
		wantRows(t, b, "SELECT id FROM t WHERE id > 5", "6")
	})
	t.Run("an error on its own leaves nothing", func(t *testing.T) {
		fails(t, a, 1062, "INSERT INTO t VALUES (8, 8), (1, 1)")
		run(t, b, "INSERT INTO t VALUES (9, 9)")
		wantRows(t, a, "SELECT id FROM t WHERE id > 6", "9")
		wantRows(t, b, "SELECT id FROM t WHERE id > 6", "9")
	})
	t.Run("DDL commits", func(t *testing.T) {
		run(t, a, "BEGIN", "INSERT INTO t VALUES (10, 10)", "CREATE TABLE made (id INT)", "INSERT INTO t VALUES (11, 11)")
		wantRows(t, b, "SELECT id FROM t WHERE id > 9 ORDER BY id", "10", "11")
		run(t, a, "ROLLBACK")
		wantRows(t, b, "SELECT id FROM t WHERE id > 9 ORDER BY id", "10", "11")
		run(t, b, "DROP TABLE made")
	})
	t.Run("autocommit off", func(t *testing.T) {
		run(t, a, "SET autocommit = 0", "INSERT INTO t VALUES (12, 12)")
		wantRows(t, b, "SELECT id FROM t WHERE id = 12")
		fails(t, b, 1205, "DELETE FROM t")
		run(t, a, "COMMIT", "INSERT INTO t VALUES (13, 13)", "SET @x = 1")
		wantRows(t, b, "SELECT id FROM t WHERE id > 11 ORDER BY id", "12")
		run(t, a, "SET autocommit = 1") // commits
		wantRows(t, b, "SELECT id FROM t WHERE id > 11 ORDER BY id", "12", "13")
		run(t, b, "DELETE FROM t WHERE id = 13")
	})
	t.Run("a connection that ends rolls back", func(t *testing.T) {
		c := conn(t, db)
		run(t, c, "BEGIN", "DELETE FROM t")
		// So that the pool does not keep it.
		_ = c.Raw(func(any) error { return driver.ErrBadConn })
		_ = c.Close()
		eventually(t, func() bool {
			_, err := b.ExecContext(t.Context(), "INSERT INTO other VALUES (2)")
			return err == nil
		})
		wantRows(t, b, "SELECT COUNT(*) FROM t", "9")
	})
	t.Run("a statement that waits keeps nobody waiting", func(t *testing.T) {
		wantRows(t, a, "SELECT GET_LOCK('x', 1)", "1")
		done := make(chan []string)
		go func() { done <- rows(t, b, "SELECT GET_LOCK('x', 10)") }()
		c := conn(t, db)
		run(t, c, "INSERT INTO other VALUES (3)")
		wantRows(t, a, "SELECT RELEASE_LOCK('x')", "1")
		if got := <-done; got[0] != "1" {
			t.Errorf("GET_LOCK answers %q", got)
		}
	})
	t.Run("reading while writing", func(t *testing.T) {
		run(t, db, "CREATE TABLE big (pad VARCHAR(2000))", "INSERT INTO big VALUES "+strings.Repeat(",(REPEAT('x', 2000))", 1000)[1:])
		r, err := a.QueryContext(t.Context(), "SELECT pad FROM big")
		must(t, err)
		defer func() { _ = r.Close() }()
		r.Next()
		run(t, b, "DELETE FROM big LIMIT 1")
	})
}

func TestServers_concurrency(t *testing.T) {
	s := start(t, &sql.Servers{Dir: t.TempDir()})
	db := api(t, s)
	run(t, db, "CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, who INT, n INT)", "CREATE TABLE counter (n INT)", "INSERT INTO counter VALUES (0)")
	const writers, each = 6, 15
	var g errgroup.Group
	for who := range writers {
		g.Go(func() error {
			for n := range each {
				_, err := db.Exec("INSERT INTO t (who, n) VALUES (?, ?)", who, n)
				tx, txErr := db.Begin()
				if err := errors.Join(err, txErr); err != nil {
					return err
				}
				var count int
				_, err = tx.Exec("UPDATE counter SET n = n + 1")
				err = errors.Join(err, tx.Commit(), db.QueryRow("SELECT COUNT(*) FROM t WHERE who = ?", who).Scan(&count))
				if err != nil || count != n+1 {
					return fmt.Errorf("writer %d reads %d rows after writing %d: %w", who, count, n+1, err)
				}
			}
			return nil
		})
	}
	g.Go(func() error { // clusters and users come while others are at work
		for i := range 20 {
			user := login(fmt.Sprintf("%su%d", onePrefix, i), "role_readonly", password)
			if err := errors.Join(s.PutUser(one, user), s.CreateCluster(clusterID())); err != nil {
				return err
			}
		}
		return nil
	})
	must(t, g.Wait())
	wantRows(t, db, "SELECT COUNT(*) FROM t", fmt.Sprint(writers*each))
	wantRows(t, db, "SELECT n FROM counter", fmt.Sprint(writers*each))
}

func TestServers_uniqueKeys(t *testing.T) {
	dir := t.TempDir()
	s := start(t, &sql.Servers{Dir: dir})
	db := api(t, s)
	run(t, db,
		"CREATE TABLE u (id INT PRIMARY KEY AUTO_INCREMENT, Email VARCHAR(50) COLLATE utf8mb4_unicode_ci, n INT, UNIQUE KEY U_Email_key (Email))",
		"INSERT INTO u (Email) VALUES ('ann@x'), ('bob@x'), (NULL), (NULL)",
	)
	fails(t, db, 1062,
		"INSERT INTO u (Email) VALUES ('ANN@x')", "INSERT INTO u (Email) VALUES ('new@x'), ('New@X')",
		"UPDATE u SET Email = 'Bob@x' WHERE Email = 'ann@x'", "UPDATE u SET Email = 'same@x'")
	wantRows(t, db, "SELECT id, Email FROM u ORDER BY id", "1|ann@x", "2|bob@x", "3|NULL", "4|NULL")
	run(t, db,
		"INSERT INTO u (Email, n) VALUES ('ANN@x', 5), ('cat@x', 6) ON DUPLICATE KEY UPDATE n = VALUES(n)",
		"INSERT IGNORE INTO u (Email, n) VALUES ('BOB@x', 7), ('dan@x', 8), ('Dan@x', 9)",
		"REPLACE INTO u (id, Email, n) VALUES (20, 'CAT@x', 10)",
		"DELETE FROM u WHERE Email = 'bob@x'", "INSERT INTO u (id, Email) VALUES (30, 'BOB@X')",
	)
	wantRows(t, db, "SELECT id, Email, n FROM u WHERE Email IS NOT NULL AND Email <> 'dan@x' ORDER BY id",
		"1|ann@x|5", "20|CAT@x|10", "30|BOB@X|NULL")
	wantRows(t, db, "SELECT Email, n FROM u WHERE Email = 'DAN@X'", "dan@x|8")

	// An index whose name has capitals can be renamed and dropped.
	run(t, db, "ALTER TABLE u RENAME INDEX U_Email_key TO Email_Key", "INSERT INTO u (id, Email) VALUES (40, 'eve@x')")
	fails(t, db, 1062, "INSERT INTO u (Email) VALUES ('EVE@x')")
	run(t, db, "DROP INDEX Email_Key ON u", "INSERT INTO u (id, Email) VALUES (41, 'EVE@x')", "DELETE FROM u WHERE id = 40")
	wantRows(t, db, "SELECT id FROM u WHERE Email = 'eve@x'", "41")
	must(t, s.Close())
	wantRows(t, api(t, start(t, &sql.Servers{Dir: dir})), "SELECT COUNT(*) FROM u", "7")
}

func TestServers_compositeKeys(t *testing.T) {
	dir := t.TempDir()
	s := start(t, &sql.Servers{Dir: dir})
	db := api(t, s)
	run(t, db, "CREATE TABLE p (id INT PRIMARY KEY)", "CREATE TABLE t (a INT, b INT, c VARCHAR(10), p INT, PRIMARY KEY (a, b), FOREIGN KEY (p) REFERENCES p (id) ON DELETE CASCADE)")
	run(t, db, "INSERT INTO p VALUES (1)", "INSERT INTO t (a, b) VALUES (1, 11), (11, 1), (111, 1), (1, 111), (11, 11)")
	wantRows(t, db, "SELECT a, b FROM t ORDER BY a, b", "1|11", "1|111", "11|1", "11|11", "111|1")
	fails(t, db, 1062, "INSERT INTO t (a, b) VALUES (2, 22), (22, 2), (1, 11)")
	wantRows(t, db, "SELECT COUNT(*) FROM t", "5") // not one of them
	run(t, db, "UPDATE t SET c = CONCAT(a, '-', b), p = 1")
	wantRows(t, db, "SELECT c FROM t ORDER BY a, b", "1-11", "1-111", "11-1", "11-11", "111-1")
	run(t, db, "REPLACE INTO t (a, b, c, p) VALUES (1, 11, 'r', 1), (11, 1, 's', 1)")
	run(t, db, "INSERT INTO t (a, b, c) VALUES (1, 11, 'u'), (11, 1, 'u'), (3, 33, 'n'), (33, 3, 'n') ON DUPLICATE KEY UPDATE c = CONCAT(VALUES(c), '!')")
	wantRows(t, db, "SELECT a, b, c FROM t ORDER BY a, b", "1|11|u!", "1|111|1-111", "3|33|n", "11|1|u!", "11|11|11-11", "33|3|n", "111|1|111-1")
	run(t, db, "INSERT IGNORE INTO t (a, b) VALUES (3, 33), (33, 3), (4, 44), (44, 4)")
	wantRows(t, db, "SELECT COUNT(*) FROM t", "9")
	run(t, db, "DELETE FROM t WHERE a IN (3, 33, 4, 44)")
	wantRows(t, db, "SELECT COUNT(*) FROM t", "5")
	must(t, s.Close())
	s = start(t, &sql.Servers{Dir: dir})
	db = api(t, s)
	wantRows(t, db, "SELECT COUNT(*) FROM t", "5")
	run(t, db, "ALTER TABLE t ADD COLUMN extra INT FIRST", "CREATE INDEX By_C ON t (c)", "DROP INDEX By_C ON t", "ALTER TABLE t DROP COLUMN extra")
	wantRows(t, db, "SELECT a, b FROM t ORDER BY a, b", "1|11", "1|111", "11|1", "11|11", "111|1")
	run(t, db, "DELETE FROM p") // cascades
	wantRows(t, db, "SELECT COUNT(*) FROM t", "0")
}
