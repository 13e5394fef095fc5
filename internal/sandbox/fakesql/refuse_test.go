package fakesql_test

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"

	"portfolio-infra/internal/sandbox/fakesql"
)

func TestServers_refused(t *testing.T) {
	s := start(t, &fakesql.Servers{})
	db := conn(t, api(t, s))
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	must(t, os.WriteFile(file, []byte("secret"), 0o600))
	run(t, db, "CREATE TABLE t (id INT PRIMARY KEY, v TEXT)", "SET @create = 'CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET NEW.id = 1'",
		"PREPARE s FROM @create", "PREPARE r FROM 'SELECT COUNT(*) FROM t'")
	for query, number := range map[string]uint16{
		"CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET NEW.id = 1": 1235,
		"CREATE PROCEDURE p() SELECT 1":                                   1235,
		"CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO DELETE FROM t":         1235,
		"EXECUTE s":                                                    1235,
		"CALL p()":                                                     1235,
		"CREATE TABLE g (p POINT)":                                     1235,
		"ALTER TABLE t ADD COLUMN g GEOMETRY":                          1235,
		"CREATE TABLE g (v TEXT, FULLTEXT KEY k (v))":                  1235,
		"CREATE FULLTEXT INDEX k ON t (v)":                             1235,
		"ALTER TABLE t ADD FULLTEXT INDEX k (v)":                       1235,
		"SELECT 'x' INTO OUTFILE '" + filepath.Join(dir, "out") + "'":  1290,
		"SELECT 'x' INTO DUMPFILE '" + filepath.Join(dir, "out") + "'": 1290,
		"LOAD DATA INFILE '" + file + "' INTO TABLE t":                 1290,
		"SET GLOBAL sql_mode = ''":                                     1227,
		"SET @@GLOBAL.time_zone = '+01:00'":                            1227,
		"SET PERSIST max_connections = 1":                              1227,
	} {
		fails(t, db, query, number)
	}
	wantRows(t, db, "EXECUTE r", "0")
	wantRows(t, db, "SELECT LOAD_FILE('"+file+"')", "NULL")
	if _, err := os.Stat(filepath.Join(dir, "out")); err == nil {
		t.Error("a statement wrote a file")
	}

	mysql.RegisterReaderHandler("rows", func() io.Reader { return strings.NewReader("1\tone\n2\ttwo\n") })
	t.Cleanup(func() { mysql.DeregisterReaderHandler("rows") })
	run(t, db, "LOAD DATA LOCAL INFILE 'Reader::rows' INTO TABLE t")
	wantRows(t, db, "SELECT * FROM t ORDER BY id", "1|one", "2|two")
}
