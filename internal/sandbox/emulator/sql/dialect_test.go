package sql_test

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"

	"portfolio-infra/internal/sandbox/emulator/sql"
)

func TestServers_refused(t *testing.T) {
	s := start(t, &sql.Servers{})
	db := conn(t, api(t, s))
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	must(t, os.WriteFile(file, []byte("secret"), 0o600))
	run(t, db, "CREATE TABLE t (id INT PRIMARY KEY, v TEXT)", "CREATE TABLE n (v TEXT, id INT, KEY (id))", "SET @create = 'CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET NEW.id = 1'",
		"PREPARE s FROM @create", "PREPARE r FROM 'SELECT COUNT(*) FROM t'")
	fails(t, db, 1235,
		"CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET NEW.id = 1", "EXECUTE s",
		"CREATE PROCEDURE p() SELECT 1",
		"CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO DELETE FROM t",
		"CREATE TABLE g (p POINT)", "ALTER TABLE t ADD COLUMN g GEOMETRY")
	out := filepath.Join(dir, "out")
	fails(t, db, 1290,
		"SELECT 'x' INTO OUTFILE '"+out+"'", "SELECT 'x' INTO DUMPFILE '"+out+"'",
		"LOAD DATA INFILE '"+file+"' INTO TABLE t")
	fails(t, db, 1227,
		"SET GLOBAL sql_mode = ''", "SET @@GLOBAL.time_zone = '+01:00'", "SET PERSIST max_connections = 1")
	fails(t, db, 1273,
		"CREATE TABLE g (v TEXT COLLATE latin1_swedish_ci)",
		"CREATE TABLE g (v TEXT) COLLATE utf8mb4_de_pb_0900_ai_ci",
		"CREATE DATABASE g COLLATE latin1_swedish_ci",
		"ALTER TABLE t CONVERT TO CHARACTER SET latin1 COLLATE latin1_swedish_ci")
	fails(t, db, 8200, "ALTER TABLE n MODIFY id INT AUTO_INCREMENT", "ALTER TABLE n MODIFY id INT AUTO_INCREMENT FIRST")
	fails(t, db, 8130, "SELECT 1; SELECT 2")
	wantRows(t, db, "EXECUTE r", "0")
	wantRows(t, db, "SELECT LOAD_FILE('"+file+"')", "NULL")
	if _, err := os.Stat(out); err == nil {
		t.Error("a statement wrote a file")
	}

	mysql.RegisterReaderHandler("rows", func() io.Reader { return strings.NewReader("1\tone\n2\ttwo\n") })
	t.Cleanup(func() { mysql.DeregisterReaderHandler("rows") })
	run(t, db, "LOAD DATA LOCAL INFILE 'Reader::rows' INTO TABLE t")
	wantRows(t, db, "SELECT * FROM t ORDER BY id", "1|one", "2|two")
}

// What TiDB accepts and ignores, and where its defaults are not MySQL's.
func TestServers_dialect(t *testing.T) {
	db := conn(t, api(t, start(t, &sql.Servers{Dir: t.TempDir()})))
	run(t, db,
		"CREATE TABLE t (a INT CHECK (a > 5), v TEXT, FULLTEXT KEY k (v), CONSTRAINT c CHECK (a < 9)) DEFAULT CHARSET=utf8mb4",
		"ALTER TABLE t ADD COLUMN b INT CHECK (b > 5), ADD CONSTRAINT d CHECK (b < 9), ADD FULLTEXT INDEX l (v)",
		"ALTER TABLE t ADD CHECK (b < a)", "ALTER TABLE t DROP CHECK nothing", "ALTER TABLE t DROP CONSTRAINT c", "CREATE FULLTEXT INDEX k ON t (v)",
		"INSERT INTO t VALUES (1, 'a', 1), (10, 'A', 10);  -- and no more",
		"CREATE TABLE l (v TEXT CHARACTER SET latin1)", "CREATE DATABASE d CHARACTER SET latin1",
	)
	wantRows(t, db, "SHOW CREATE TABLE t", "t|CREATE TABLE `t` (\n  `a` int,\n  `v` text,\n  `b` int\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin")
	wantRows(t, db, "SELECT a FROM t WHERE v = 'a'", "1")
	wantRows(t, db, "SHOW CREATE TABLE l", "l|CREATE TABLE `l` (\n  `v` text CHARACTER SET latin1 COLLATE latin1_bin\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin")
	wantRows(t, db, "SHOW CREATE DATABASE d", "d|CREATE DATABASE `d` /*!40100 DEFAULT CHARACTER SET latin1 COLLATE latin1_bin */")
	wantRows(t, db, "SHOW CREATE DATABASE test", "test|CREATE DATABASE `test` /*!40100 DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin */")
}

// The documentation of TiDB's string functions has most of these.
func TestServers_regularExpressions(t *testing.T) {
	db := api(t, start(t, &sql.Servers{}))
	for expression, want := range map[string]string{
		`'測試TiDB' REGEXP '^測.Ti'`:                      "1",
		`REGEXP_LIKE('a\nb', 'A.B')`:                   "0",
		`REGEXP_LIKE('a\nb', 'A.B', 'in')`:             "1",
		`REGEXP_LIKE('a\nb', '^b$', 'm')`:              "1",
		`REGEXP_INSTR('測測試', '測', 1, 2)`:               "2",
		`REGEXP_INSTR('測測試', '測', 2, 1, 1)`:            "3",
		`REGEXP_INSTR('abc', 'x')`:                     "0",
		`REGEXP_SUBSTR('This is TiDB', 'Ti.{2}')`:      "TiDB",
		`REGEXP_SUBSTR('abc', 'x')`:                    "NULL",
		`REGEXP_REPLACE('TooDB', 'o', 'i', 1, 2)`:      "ToiDB",
		`REGEXP_REPLACE('TooDB', 'o', 'i', 1, 3)`:      "TooDB",
		`REGEXP_REPLACE('TooDB', 'o', '$1', 3)`:        "To$1DB",
		`REGEXP_REPLACE('abcd', '(.*)(.{2})$', '\\1')`: "ab",
	} {
		wantRows(t, db, "SELECT "+expression, want)
	}
	fails(t, db, 1139, "SELECT 'ab' REGEXP 'a(?=b)'")
}
