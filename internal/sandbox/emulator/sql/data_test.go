package sql_test

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	emulated "portfolio-infra/internal/sandbox/emulator/sql"
)

// types have a column of each type with values to insert, and what a client reads
// if that is not what was inserted.
var types = []struct {
	typ    string
	values []string
	read   map[string]string
}{
	{"TINYINT", []string{"-128", "0", "127"}, nil},
	{"TINYINT UNSIGNED", []string{"0", "255"}, nil},
	{"BOOLEAN", []string{"TRUE", "FALSE"}, map[string]string{"TRUE": "1", "FALSE": "0"}},
	{"SMALLINT UNSIGNED", []string{"65535"}, nil},
	{"INT", []string{"-2147483648", "2147483647"}, nil},
	{"INT UNSIGNED", []string{"4294967295"}, nil},
	{"BIGINT", []string{"-9223372036854775808", "9223372036854775807"}, nil},
	{"BIGINT UNSIGNED", []string{"18446744073709551615"}, nil},
	{"FLOAT", []string{"0.1", "-1.5", "3.4e38", "1e-37", "16777216", "0.30000001"}, map[string]string{
		"3.4e38": "3.4e+38", "1e-37": "1e-37", "16777216": "1.6777216e+07", "0.30000001": "0.3"}},
	{"DOUBLE", []string{"0.1", "-2.5", "1.7976931348623157e308", "5e-324", "0.30000000000000004", "123456789.123"}, map[string]string{
		"1.7976931348623157e308": "1.7976931348623157e+308", "123456789.123": "1.23456789123e+08"}},
	{"DECIMAL(65,30)", []string{"12345678901234567890123456789012345.123456789012345678901234567890", "-0.000000000000000000000000000001"}, nil},
	{"CHAR(3)", []string{"'abc'", "''", "'測試!'"}, nil},
	{"VARCHAR(40)", []string{"''", "'it''s'", `'back\\slash'`, `'new\nline'`, `'nul\0'`, `'"double"'`, "'semi; colon'", "'-- comment'", "'🙂'", `'tab\t'`, `'ctrl\Z'`, `'%_'`, `'cr\r\n'`}, map[string]string{
		"'it''s'": "it's", `'back\\slash'`: `back\slash`, `'new\nline'`: "new\nline", `'nul\0'`: "nul\x00", `'tab\t'`: "tab\t", `'ctrl\Z'`: "ctrl\x1a", `'cr\r\n'`: "cr\r\n"}},
	{"VARCHAR(20) CHARACTER SET latin1", []string{"'caf\u00e9'"}, nil},
	{"VARCHAR(20) COLLATE utf8mb4_general_ci", []string{"'MiXed'"}, nil},
	{"TEXT", []string{"'text'"}, nil},
	{"BINARY(4)", []string{"x'00ff10ab'", "x'01'"}, map[string]string{"x'00ff10ab'": "\x00\xff\x10\xab", "x'01'": "\x01\x00\x00\x00"}},
	{"VARBINARY(8)", []string{"x''", "x'00'", "x'275c0a'"}, map[string]string{"x''": "", "x'00'": "\x00", "x'275c0a'": "'\\\n"}},
	{"BLOB", []string{"x'fffe'"}, map[string]string{"x'fffe'": "\xff\xfe"}},
	{"DATE", []string{"'2024-02-29'", "'1000-01-01'", "'9999-12-31'"}, nil},
	{"DATETIME", []string{"'2024-02-29 23:59:59'", "'1000-01-01 00:00:00'"}, nil},
	{"DATETIME(6)", []string{"'2024-02-29 23:59:59.123456'", "'2024-01-01 00:00:00.000001'"}, nil},
	{"TIMESTAMP NULL", []string{"'2024-03-10 02:30:00'", "'1970-01-01 00:00:01'", "'2038-01-19 03:14:07'"}, nil},
	{"TIMESTAMP(3) NULL", []string{"'2024-03-10 02:30:00.123'"}, nil},
	{"TIME", []string{"'-838:59:59'", "'00:00:00'", "'838:59:59'"}, nil},
	{"TIME(6)", []string{"'12:34:56.789012'", "'-00:00:00.5'"}, map[string]string{"'-00:00:00.5'": "-00:00:00.500000"}},
	{"YEAR", []string{"1901", "2155", "0"}, map[string]string{"0": "0"}},
	{"ENUM('a','b''c','d,e')", []string{"'a'", "'b''c'", "'d,e'"}, map[string]string{"'b''c'": "b'c"}},
	{"SET('x','y','z')", []string{"''", "'x'", "'x,z'"}, nil},
	{"BIT(1)", []string{"b'1'", "b'0'"}, map[string]string{"b'1'": "\x01", "b'0'": "\x00"}},
	{"BIT(64)", []string{"b'1010101'", "18446744073709551615"}, map[string]string{
		"b'1010101'": "\x00\x00\x00\x00\x00\x00\x00\x55", "18446744073709551615": "\xff\xff\xff\xff\xff\xff\xff\xff"}},
	{"JSON", []string{`'{"a": [1, 2.5, "x", null, true], "b": {"c": "it''s \\"q\\" \\\\ \\n"}}'`, `'[]'`, `'null'`, `'"s"'`}, map[string]string{
		`'{"a": [1, 2.5, "x", null, true], "b": {"c": "it''s \\"q\\" \\\\ \\n"}}'`: `{"a": [1, 2.5, "x", null, true], "b": {"c": "it's \"q\" \\ \n"}}`}},
}

func TestServers_types(t *testing.T) {
	dir := t.TempDir()
	s := start(t, &emulated.Servers{Dir: dir})
	db := api(t, s)
	want := map[string][]string{} // by table
	for i, ty := range types {
		table := fmt.Sprintf("t%d", i)
		run(t, db, fmt.Sprintf("CREATE TABLE %s (id INT PRIMARY KEY AUTO_INCREMENT, v %s)", table, ty.typ))
		for _, v := range ty.values {
			run(t, db, fmt.Sprintf("INSERT INTO %s (v) VALUES (%s)", table, v))
			read, ok := ty.read[v]
			if !ok {
				read = strings.Trim(v, "'")
			}
			want[table] = append(want[table], read)
		}
		run(t, db, fmt.Sprintf("INSERT INTO %s (v) VALUES (NULL)", table))
		want[table] = append(want[table], "NULL")
	}
	check := func(s *emulated.Servers) {
		t.Helper()
		for table, want := range want {
			wantRows(t, api(t, s), "SELECT v FROM "+table+" ORDER BY id", want...)
		}
	}
	check(s)
	must(t, s.Close())
	before, err := os.ReadFile(filepath.Join(dir, one+".sql"))
	must(t, err)
	s = start(t, &emulated.Servers{Dir: dir})
	check(s)
	run(t, api(t, s), "CREATE TABLE more (a INT)", "DROP TABLE more")
	after, err := os.ReadFile(filepath.Join(dir, one+".sql"))
	must(t, err)
	if diff := cmp.Diff(string(before), string(after)); diff != "" {
		t.Errorf("the file after a restart (-before +after):\n%s", diff)
	}
}

// schema creates everything that a database may consist of.
var schema = []string{
	"CREATE DATABASE shop CHARACTER SET latin1 COLLATE latin1_bin",
	"CREATE DATABASE `odd ``name`",
	`CREATE TABLE zebra (
		id BIGINT UNSIGNED PRIMARY KEY AUTO_INCREMENT,
		label VARCHAR(30) NOT NULL DEFAULT 'it''s \\ "x"' COMMENT 'a ''quoted'' \\ comment',
		n INT DEFAULT -5, d DECIMAL(6,2) NOT NULL DEFAULT 1.50, f DOUBLE DEFAULT 0.1, b BIT(3) DEFAULT b'101',
		e ENUM('it''s','b') NOT NULL DEFAULT 'it''s',
		at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3), day DATE DEFAULT '2020-01-02',
		u VARCHAR(36) DEFAULT (UUID()), j JSON, raw VARBINARY(4) DEFAULT 'a\\''b', flag BOOLEAN NOT NULL DEFAULT FALSE,
		nothing INT DEFAULT NULL,
		UNIQUE KEY by_label (label), KEY by_n (n, d), KEY by_prefix (u(5)),
		CHECK (n < 100), CONSTRAINT c2 CHECK (label <> 'it''s \\'),
		KEY commented (f) COMMENT 'an ''index'''
	) AUTO_INCREMENT = 1000 COMMENT = 'the ''zebras'' \\'`,
	`INSERT INTO zebra (label, j) VALUES ('first', '{"a": 1}'), ('second', NULL)`,
	"INSERT INTO zebra (label) VALUES ('deleted')",
	"DELETE FROM zebra WHERE label = 'deleted'",
	`CREATE TABLE ant (
		a INT, b INT, zebra BIGINT UNSIGNED,
		sum INT GENERATED ALWAYS AS (a + b) STORED, twice INT GENERATED ALWAYS AS (a * 2) VIRTUAL,
		PRIMARY KEY (b, a), KEY by_a (a), KEY by_sum (sum),
		CONSTRAINT likes FOREIGN KEY (zebra) REFERENCES zebra (id) ON DELETE CASCADE ON UPDATE SET NULL
	) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci`,
	"INSERT INTO ant (a, b, zebra) VALUES (1, 11, 1000), (11, 1, NULL), (2, 3, 1001)",
	"CREATE TABLE nopk (a INT, b TEXT)",
	"INSERT INTO nopk VALUES (1, 'x'), (1, 'x'), (NULL, NULL)",
	"CREATE TABLE tree (id INT PRIMARY KEY, parent INT, FOREIGN KEY (parent) REFERENCES tree (id))",
	"INSERT INTO tree VALUES (1, NULL), (2, 1), (3, 2)",
	"CREATE TABLE bare (id INT PRIMARY KEY AUTO_INCREMENT)",
	"CREATE TABLE zero (id INT PRIMARY KEY AUTO_INCREMENT, v INT)",
	"SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO'",
	"INSERT INTO zero VALUES (0, 7)",
	"SET sql_mode = DEFAULT",
	"CREATE TABLE shop.items (id INT PRIMARY KEY, name VARCHAR(20))",
	"INSERT INTO shop.items VALUES (1, 'caf\u00e9')",
	"CREATE TABLE shop.sales (id INT PRIMARY KEY, zebra BIGINT UNSIGNED, FOREIGN KEY (zebra) REFERENCES test.zebra (id))",
	"CREATE TABLE `odd ``name`.`we``ird t` (`a b` INT PRIMARY KEY, `select` INT, KEY `k e``y` (`select`))",
	"INSERT INTO `odd ``name`.`we``ird t` VALUES (1, 2)",
	"CREATE VIEW aview AS SELECT 1 AS id",
	"CREATE OR REPLACE VIEW aview AS SELECT z.id, z.label, 'a;b' AS c FROM zebra z -- the end",
	"CREATE VIEW zview AS SELECT id, label FROM aview WHERE label <> 'it''s'",
	"CREATE VIEW shop.across AS SELECT id FROM test.zebra",
	"CREATE VIEW named (one, two) AS SELECT 1, 2",
	"/*!50001 CREATE VIEW special AS SELECT 3 AS three */",
}

// looks are queries that show what schema created.
var looks = []string{
	"SHOW DATABASES", "SHOW CREATE DATABASE test", "SHOW CREATE DATABASE shop", "SHOW FULL TABLES", "SHOW FULL TABLES IN shop",
	"SHOW CREATE TABLE zebra", "SHOW CREATE TABLE ant", "SHOW CREATE TABLE nopk", "SHOW CREATE TABLE tree", "SHOW CREATE TABLE bare",
	"SHOW CREATE TABLE shop.items", "SHOW CREATE TABLE shop.sales", "SHOW CREATE TABLE `odd ``name`.`we``ird t`",
	"SHOW CREATE VIEW named", "SELECT * FROM named", "SELECT * FROM special",
	"SHOW CREATE VIEW aview", "SHOW CREATE VIEW zview", "SHOW CREATE VIEW shop.across",
	"SELECT * FROM zebra ORDER BY id", "SELECT * FROM ant ORDER BY a", "SELECT * FROM nopk ORDER BY a", "SELECT * FROM tree ORDER BY id",
	"SELECT * FROM zero", "SELECT * FROM shop.items", "SELECT * FROM `odd ``name`.`we``ird t`",
	"SELECT * FROM zview ORDER BY id", "SELECT * FROM shop.across ORDER BY id",
	"SELECT table_schema, table_name, index_name, seq_in_index, column_name, non_unique, sub_part FROM information_schema.statistics " +
		"WHERE table_schema NOT IN ('mysql', 'information_schema') ORDER BY 1, 2, 3, 4",
	"SELECT table_schema, table_name, column_name, column_default, column_type, collation_name, extra, column_comment FROM information_schema.columns " +
		"WHERE table_schema NOT IN ('mysql', 'information_schema') ORDER BY 1, 2, ordinal_position",
}

// alters change tables in the ways that migrations do.
var alters = []string{
	"CREATE TABLE a (id INT NOT NULL AUTO_INCREMENT, x VARCHAR(10) DEFAULT 'x''y', y INT, KEY (id))",
	"INSERT INTO a VALUES (1, 'one', 10), (2, 'two', 20)",
	"ALTER TABLE a ADD PRIMARY KEY (id)",
	"ALTER TABLE a MODIFY id INT NOT NULL AUTO_INCREMENT COMMENT 'again'",
	"ALTER TABLE a ADD COLUMN made DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6)",
	"ALTER TABLE a ADD COLUMN price DECIMAL(8,2) NOT NULL DEFAULT 9.90 AFTER x, ADD COLUMN flag BOOLEAN DEFAULT TRUE FIRST",
	"ALTER TABLE a ADD COLUMN total INT GENERATED ALWAYS AS ((id + y) * 2) STORED",
	"ALTER TABLE a ALTER COLUMN y SET DEFAULT 7",
	"ALTER TABLE a RENAME COLUMN x TO label",
	"ALTER TABLE a CHANGE label name VARCHAR(30) NOT NULL DEFAULT 'it''s' COMMENT 'the name'",
	"ALTER TABLE a ADD INDEX by_name (name), ADD UNIQUE INDEX by_y (y)",
	"ALTER TABLE a ADD CONSTRAINT positive CHECK ((id + y) * 2 > 0)",
	"ALTER TABLE a ADD COLUMN gone INT, ADD INDEX gone (gone)",
	"ALTER TABLE a DROP COLUMN gone",
	"CREATE INDEX by_made ON a (made DESC)",
	"DROP INDEX by_made ON a",
	"ALTER TABLE a RENAME INDEX by_name TO by_names",
	"CREATE TABLE b (id INT PRIMARY KEY, a INT)",
	"ALTER TABLE b ADD CONSTRAINT b_to_a FOREIGN KEY (a) REFERENCES a (id) ON DELETE SET NULL",
	"INSERT INTO b VALUES (1, 1), (2, 2)",
	"RENAME TABLE a TO renamed",
	"ALTER TABLE renamed CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci",
	"ALTER TABLE renamed AUTO_INCREMENT = 500",
	"INSERT INTO renamed (name, y) VALUES ('three', 30)",
	"CREATE TABLE copied LIKE renamed",
	"CREATE TABLE selected AS SELECT name, y FROM renamed",
	"TRUNCATE TABLE selected",
	"INSERT INTO selected SELECT name, y FROM renamed WHERE y > 10",
	"ALTER DATABASE test CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci",
}

// looksAltered are queries that show what alters changed.
var looksAltered = []string{
	"SHOW CREATE DATABASE test", "SHOW CREATE TABLE renamed", "SHOW CREATE TABLE b", "SHOW CREATE TABLE copied", "SHOW CREATE TABLE selected",
	"SELECT * FROM renamed ORDER BY id", "SELECT * FROM b ORDER BY id", "SELECT * FROM selected ORDER BY y",
}

func TestServers_restart(t *testing.T) {
	for _, tt := range []struct {
		name           string
		queries, looks []string
		after          func(db *sql.DB) // does more after two restarts
	}{
		{"created", schema, looks, func(db *sql.DB) {
			run(t, db, "INSERT INTO zebra (label) VALUES ('third')", "INSERT INTO bare VALUES ()")
			wantRows(t, db, "SELECT MAX(id) FROM zebra", "1003") // 1002 was deleted
			fails(t, db, 1062, "INSERT INTO zebra (label) VALUES ('first')")
			run(t, db, "INSERT INTO zebra (label, n) VALUES ('x', 100)", "ALTER TABLE zebra DROP CHECK c2", "ALTER TABLE zebra DROP CONSTRAINT c2, COMMENT 'z'") // TiDB ignores CHECK
			fails(t, db, 1452, "INSERT INTO ant (a, b, zebra) VALUES (5, 5, 7)", "INSERT INTO shop.sales VALUES (1, 7)", "INSERT INTO tree VALUES (4, 9)")
			run(t, db, "DELETE FROM zebra WHERE id = 1000")
			wantRows(t, db, "SELECT a, b FROM ant ORDER BY a", "2|3", "11|1")
		}},
		{"altered", alters, looksAltered, func(db *sql.DB) {
			run(t, db, "INSERT INTO renamed (name, y) VALUES ('four', 40)")
			wantRows(t, db, "SELECT id, total FROM renamed WHERE y = 40", "501|1082")
			fails(t, db, 1062, "INSERT INTO renamed (name, y) VALUES ('five', 40)")
			run(t, db, "DELETE FROM renamed WHERE id = 1")
			wantRows(t, db, "SELECT * FROM b ORDER BY id", "1|NULL", "2|2")
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			s := start(t, &emulated.Servers{Dir: dir})
			run(t, conn(t, api(t, s)), tt.queries...)
			look := func() map[string][]string {
				out := map[string][]string{}
				for _, q := range tt.looks {
					out[q] = rows(t, api(t, s), q)
				}
				return out
			}
			before := look()
			for range 2 {
				must(t, s.Close())
				s = start(t, &emulated.Servers{Dir: dir})
				if diff := cmp.Diff(before, look()); diff != "" {
					t.Errorf("after a restart (-before +after):\n%s", diff)
				}
			}
			tt.after(api(t, s))
		})
	}
}

// What the engine could not read again is an error at once, and damages nothing.
func TestServers_unreadableDefinition(t *testing.T) {
	dir := t.TempDir()
	s := start(t, &emulated.Servers{Dir: dir})
	db := api(t, s)
	run(t, db, "CREATE TABLE good (a INT)", "INSERT INTO good VALUES (1)")
	run(t, db, "CREATE TABLE bad (d DATE)")
	const alter = "ALTER TABLE bad ADD COLUMN n INT DEFAULT (TIMESTAMPDIFF(DAY, '2020-01-01', '2020-01-02'))"
	fails(t, db, 1105, alter)
	fails(t, db, 1105, "INSERT INTO good VALUES (2)") // as long as it is there
	run(t, db, "DROP TABLE bad", "INSERT INTO good VALUES (3)", "CREATE TABLE bad (d DATE)")
	fails(t, db, 1105, alter)
	must(t, s.Close())
	wantRows(t, api(t, start(t, &emulated.Servers{Dir: dir})), "SELECT a FROM good ORDER BY a", "1", "2", "3")
}

// Whatever text, bytes and numbers a client writes, it reads again after a restart.
func TestServers_restart_property(t *testing.T) {
	dir := t.TempDir()
	s := start(t, &emulated.Servers{Dir: dir})
	run(t, api(t, s), "CREATE TABLE t (id INT PRIMARY KEY, s TEXT, b BLOB, d DOUBLE, f FLOAT, n BIGINT, u BIGINT UNSIGNED)")
	rapid.Check(t, func(rt *rapid.T) {
		db := api(t, s)
		run(t, db, "DELETE FROM t")
		var want []string
		for id := range rapid.IntRange(1, 20).Draw(rt, "rows") {
			text := rapid.String().Draw(rt, "text")
			raw := rapid.SliceOf(rapid.Byte()).Draw(rt, "bytes")
			d, f := rapid.Float64().Draw(rt, "double")+0, rapid.Float32().Draw(rt, "float")+0 // no -0
			n, u := rapid.Int64().Draw(rt, "signed"), rapid.Uint64().Draw(rt, "unsigned")
			if _, err := db.Exec("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?, ?)", id, text, raw, d, f, n, u); err != nil {
				t.Fatal(err)
			}
			want = append(want, fmt.Sprintf("%s|%s|%s|%s|%d|%d", text, raw,
				strconv.FormatFloat(d, 'g', -1, 64), strconv.FormatFloat(float64(f), 'g', -1, 32), n, u))
		}
		must(t, s.Close())
		s = start(t, &emulated.Servers{Dir: dir})
		wantRows(t, api(t, s), "SELECT s, b, d, f, n, u FROM t ORDER BY id", want...)
	})
}
