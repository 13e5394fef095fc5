package sql_test

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	emulated "portfolio-infra/internal/sandbox/emulator/sql"
)

// everything is what a parent may have; the rows are in the order of the tables.
var everything = []string{
	"CREATE DATABASE shop CHARACTER SET latin1",
	"CREATE DATABASE `a``b`",
	"CREATE SEQUENCE shop.numbers START WITH 10 INCREMENT BY 5",
	"SET foreign_key_checks = 0", // a child before its parent
	"CREATE TABLE shop.child (id INT PRIMARY KEY, parent INT, FOREIGN KEY (parent) REFERENCES parent_ (id)) CHARACTER SET utf8mb4",
	"CREATE TABLE shop.parent_ (id INT PRIMARY KEY AUTO_INCREMENT, n INT DEFAULT NEXTVAL(shop.numbers), twice INT AS (n * 2), KEY (twice)) CHARACTER SET utf8mb4",
	"INSERT INTO shop.parent_ (n) VALUES (1), (DEFAULT), (NULL)",
	"SET foreign_key_checks = 1",
	"SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO'",
	"INSERT INTO shop.parent_ (id, n) VALUES (0, 7)",
	"INSERT INTO shop.child VALUES (1, 1), (2, NULL)",
	"CREATE TABLE shop.latin (a VARCHAR(20))",
	"INSERT INTO shop.latin VALUES ('Zürich'), ('')",
	"CREATE TABLE `a``b`.`odd``name` (`c``1` VARCHAR(100), b BLOB, v VARBINARY(8), bits BIT(9), j JSON, d DECIMAL(30,10), f FLOAT, g DOUBLE, " +
		"e ENUM('x','y'), s SET('x','y'), dt DATETIME(6), ts TIMESTAMP(3), tm TIME, y YEAR, u BIGINT UNSIGNED)",
	`INSERT INTO ` + "`a``b`.`odd``name`" + ` VALUES ('it''s a \\ "quote";\n-- 日本語 😀', x'00ff27', x'', b'101010101', '{"a": [1, "\\u00e9"]}', 12345678901234567890.0123456789, 0.1, 1e308,
		'y', 'x,y', '2026-01-02 03:04:05.678901', '2026-01-02 03:04:05.678', '-12:34:56', 2026, 18446744073709551615)`,
	"INSERT INTO `a``b`.`odd``name` (dt) VALUES ('0000-00-00 00:00:00'), (NULL)",
	"CREATE TABLE shop.random (id BIGINT PRIMARY KEY AUTO_RANDOM, a INT)",
	"INSERT INTO shop.random (a) VALUES (1), (2)",
	"CREATE VIEW shop.a_later AS SELECT 1 AS one", "CREATE VIEW shop.z AS SELECT id FROM shop.parent_", "CREATE OR REPLACE VIEW shop.a_later AS SELECT * FROM shop.z",
	"CREATE TABLE shop.parts (id INT) PARTITION BY HASH (id) PARTITIONS 3",
	"INSERT INTO shop.parts VALUES (1), (2), (3)",
	"CREATE TABLE test.many (id INT PRIMARY KEY, a VARCHAR(50))",
	"INSERT INTO test.many WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 950) SELECT i, REPEAT('x', 50) FROM n",
}

// content is what the rows of a server are, as one text for each query.
func content(t *testing.T, db runner) (all []string) {
	t.Helper()
	for _, table := range []string{"shop.parent_", "shop.child", "shop.latin", "`a``b`.`odd``name`", "shop.random", "shop.a_later", "shop.z", "shop.parts", "test.many"} {
		all = append(all, table+": "+strings.Join(rows(t, db, "SELECT * FROM "+table+" ORDER BY 1"), "; "))
	}
	for _, schema := range []string{"shop", "a``b", "test"} {
		all = append(all, rows(t, db, "SHOW CREATE DATABASE `"+schema+"`")...)
		for _, object := range rows(t, db, "SHOW FULL TABLES FROM `"+schema+"`") {
			name, kind, _ := strings.Cut(object, "|")
			all = append(all, object)
			if kind == "BASE TABLE" {
				all = append(all, rows(t, db, "SHOW CREATE TABLE `"+schema+"`.`"+strings.ReplaceAll(name, "`", "``")+"`")...)
			}
		}
	}
	for i := range all {
		all[i] = nextID.ReplaceAllString(all[i], "$1…")
	}
	return all
}

// nextID matches where a table's automatic IDs go on, which each server decides for itself.
var nextID = regexp.MustCompile(`(AUTO_INCREMENT=|AUTO_RANDOM_BASE=)\d+`)

func TestServers_branch(t *testing.T) {
	dir := t.TempDir()
	s := start(t, &emulated.Servers{Dir: dir})
	parent := conn(t, api(t, s))
	run(t, parent, everything...)
	want := content(t, parent)
	// A point in time is earlier than what was written since, but for that in its millisecond. The
	// parent goes on before anybody has looked at the branch.
	later := func(than time.Time) func() bool { return func() bool { return time.Since(than) > 2*time.Millisecond } }
	eventually(t, later(time.Now()))
	at := time.Now()
	eventually(t, later(at))
	run(t, parent, "INSERT INTO test.many VALUES (1000, 'late')", "DROP VIEW shop.z", "CREATE TABLE shop.later (a INT)")
	id := clusterID()
	must(t, s.CreateBranch(one, id, at))
	put(t, s, id, twoPrefix+"root", "role_admin", password)
	put(t, s, id, twoPrefix+"api", "role_readwrite", password)
	root, apiOfBranch := client(t, s, id, twoPrefix+"root", password, ""), client(t, s, id, twoPrefix+"api", password, "")
	run(t, parent, "DELETE FROM shop.child", "ALTER TABLE shop.latin ADD COLUMN late INT")
	// The parent answers while it is copied.
	done := make(chan error, 1)
	go func() { done <- root.PingContext(t.Context()) }()
	meanwhile := 0
	for ; len(done) == 0 && meanwhile < 20; meanwhile++ {
		run(t, parent, "INSERT INTO shop.later VALUES (1)")
	}
	must(t, <-done)
	wantRows(t, parent, "SELECT COUNT(*) FROM shop.later", fmt.Sprint(meanwhile))
	if meanwhile < 4 {
		t.Error("the parent waits until it is copied")
	}
	wantSame := func(db runner, want []string) {
		t.Helper()
		if diff := cmp.Diff(want, content(t, db)); diff != "" {
			t.Errorf("the rows of the branch (-want +got):\n%s", diff)
		}
	}
	wantSame(root, want)

	// New values do not collide, the foreign key holds, and root has a view of its own.
	branch := conn(t, root)
	run(t, branch, "INSERT INTO shop.parent_ (n) VALUES (DEFAULT)", "INSERT INTO shop.random (a) VALUES (3)")
	fails(t, branch, 1452, "INSERT INTO shop.child VALUES (9, 999)")
	wantRows(t, branch, "SELECT COUNT(*) FROM shop.parent_ WHERE n > 10 AND twice = 2 * n", "1")
	wantRows(t, branch, "SELECT table_name, definer FROM information_schema.views WHERE table_schema = 'shop' ORDER BY 1", "a_later|"+twoPrefix+"root@%", "z|"+twoPrefix+"root@%")

	// The parent's users are not there, nor is the one that copied here.
	refused(t, client(t, s, id, onePrefix+"api", password, "test"), 1045)
	wantRows(t, branch, "SELECT COUNT(*) FROM information_schema.user_attributes WHERE user NOT LIKE '"+twoPrefix+"%' AND user NOT LIKE '%role_%'", "0")
	wantRows(t, parent, "SELECT COUNT(*) FROM information_schema.user_attributes WHERE user LIKE '%"+id+"%'", "0")

	// What root drops is dropped, also after a restart, which puts it again.
	must(t, apiOfBranch.PingContext(t.Context()))
	must(t, apiOfBranch.Close())
	run(t, root, "CREATE USER '"+twoPrefix+"made' IDENTIFIED BY 'in SQL'", "DROP USER '"+twoPrefix+"api'")
	apiOfBranch = client(t, s, id, twoPrefix+"api", password, "")
	refused(t, apiOfBranch, 1045)
	put(t, s, id, twoPrefix+"api", "role_readwrite", password)
	refused(t, apiOfBranch, 1045)

	// Both are apart.
	run(t, branch, "DROP TABLE test.many", "UPDATE shop.parent_ SET n = -1")
	wantRows(t, parent, "SELECT COUNT(*) FROM test.many", "951")
	wantRows(t, parent, "SELECT MIN(n) FROM shop.parent_", "1")

	// A restart keeps the branch; so does the repeated call.
	must(t, s.Close())
	s = &emulated.Servers{TiDB: s.TiDB, Dir: dir}
	t.Cleanup(func() { _ = s.Close() })
	must(t, s.CreateCluster(one))
	must(t, s.CreateBranch(one, id, at))
	root = client(t, s, id, twoPrefix+"root", password, "")
	wantRows(t, root, "SELECT MAX(n) FROM shop.parent_", "-1")

	// A reset ends the connections, and gives it what the parent has now, at the same port. It does
	// so even if nobody can reach the parent. A user of the API comes back, and no other one.
	open := conn(t, root)
	run(t, client(t, s, one, onePrefix+"api", password, "test"), "CREATE VIEW shop.z AS SELECT id FROM shop.parent_")
	now := content(t, client(t, s, one, onePrefix+"api", password, ""))
	_, port := s.Endpoint(id)
	must(t, s.SetEndpoint(one, true))
	must(t, s.CreateBranch(one, id, time.Now()))
	eventually(t, func() bool { return open.PingContext(t.Context()) != nil })
	if _, again := s.Endpoint(id); again != port {
		t.Errorf("port %d became %d", port, again)
	}
	wantSame(root, now)
	must(t, s.SetEndpoint(one, false))
	must(t, client(t, s, id, twoPrefix+"api", password, "").PingContext(t.Context()))
	refused(t, client(t, s, id, twoPrefix+"made", "in SQL", ""), 1045)
	run(t, root, "DROP USER '"+twoPrefix+"role_readwrite'") // a role

	must(t, s.DeleteCluster(id))
	left, err := filepath.Glob(filepath.Join(dir, id+"*"))
	must(t, err)
	if len(left) > 0 {
		t.Errorf("a deleted branch left %q", left)
	}
	wantRows(t, client(t, s, one, onePrefix+"api", password, "test"), "SELECT COUNT(*) FROM test.many", "951")
}
