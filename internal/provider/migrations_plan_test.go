package provider_test

import (
	"strings"
	"testing"
)

// A preview refuses what a run could leave half done, by file and line, before any write.
func TestMigrations_preview(t *testing.T) {
	for _, tt := range []struct {
		name, up string
		wantErr  string
	}{
		{"a table", "CREATE TABLE a (id BIGINT PRIMARY KEY AUTO_RANDOM(5));", ""},
		{"TiDB's comments", "CREATE TABLE a (id BIGINT /*T![auto_rand] AUTO_RANDOM(5) */ PRIMARY KEY);", ""},
		{"a semicolon in a text", "INSERT INTO a VALUES ('x;y');", ""},
		{"comments", "-- one; two\n/* three; */ INSERT INTO a VALUES (1);\n# four\nUPDATE a SET id = 2;\n-- five", ""},
		{"goose's marks", "-- +goose StatementBegin\nDELETE FROM a;\n-- +goose StatementEnd", ""},
		{"syntax", "-- one\nCREATE TABLE a (\n  id INT,,\n);", "1_x.sql:4: syntax error near: ,"},
		{"a text without its end", "INSERT INTO a VALUES ('x);", "1_x.sql:5: syntax error near: 'x);"},
		{"two tables", "CREATE TABLE a (id INT);\n\n-- another\nCREATE TABLE b (id INT);", ""},
		{"a table and a row", "CREATE TABLE a (id INT);\nINSERT INTO a VALUES (1);", ""},
		{"nothing", "-- later", ""},
		{"no semicolon", "INSERT INTO a VALUES (1)", "1_x.sql:2: the statement must end in a semicolon"},
		{"two tables at once", "DROP TABLE a, b;", "an interrupted run would have dropped some of them; drop one a statement: DROP TABLE a, b;"},
		{"a query", "SELECT 1;", "1_x.sql:2: a migration changes tables, views, indexes, sequences or rows, and nothing else: SELECT 1;"},
		{"a variable", "SET @a = 1;", "and nothing else"},
		{"a transaction of its own", "BEGIN;\nDELETE FROM a;\nCOMMIT;", "1_x.sql:2: a migration changes"},
		{"a user", "CREATE USER x;", "and nothing else"},
		{"the database", "DROP DATABASE portfolio;", "and nothing else"},
		{"another database", "USE blog;", "and nothing else"},
		{"an index without a name", "ALTER TABLE a ADD INDEX (x);", "an interrupted run would do it twice; give the index or constraint a name"},
		{"a named index", "ALTER TABLE a ADD INDEX by_x (x);", ""},
		{"a primary key", "ALTER TABLE a ADD PRIMARY KEY (x);", ""},
		{"swapped tables", "RENAME TABLE a TO c, b TO a, c TO b;", "an interrupted run would do it twice; rename one table a statement"},
		{"truncate", "TRUNCATE TABLE a;", "use DELETE"},
		{"exchanged partition", "ALTER TABLE a EXCHANGE PARTITION p WITH TABLE b;", "an interrupted run would do it twice"},
		{"more partitions", "ALTER TABLE a ADD PARTITION PARTITIONS 2;", "an interrupted run would do it twice"},
		{"an annotation", "-- +goose ENVSUB ON\nDELETE FROM a;", `1_x.sql:2: the annotation "ENVSUB ON" is not supported`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			withSchema(t, func(m *schema) {
				t := m.T
				m.write(map[string]string{"1_x.sql": "-- +goose Up\n" + tt.up + "\n-- +goose Down\nnot SQL;\n"})
				for _, changes := range []map[string]any{nil, {"host": unknown, "password": unknown}} {
					_, err := m.preview(m.wanted(changes))
					wantErr(t, err, tt.wantErr)
				}
				same(t, "tables", m.rows("SHOW TABLES"), nil)
			})
		})
	}
}

// All problems of all pending files are one error.
func TestMigrations_preview_all(t *testing.T) {
	withSchema(t, func(m *schema) {
		t := m.T
		m.write(map[string]string{"1_a.sql": "-- +goose Up\nCREATE TABL a;\n", "2_b.sql": "-- +goose Up\nSELECT 1;\n", "3_c.sql": "CREATE TABLE c (id INT);\n"})
		_, err := m.up(m.wanted(nil))
		wantErr(t, err, "1_a.sql:2: syntax error", "2_b.sql:2: a migration changes", `3_c.sql:1: SQL before the line "-- +goose Up"`)
	})
}

func TestMigrations_Check(t *testing.T) {
	least := map[string]any{"clusterId": "1", "host": gateway, "port": 4000, "user": "p.api", "password": "x", "database": "portfolio",
		"folder": "migrations", "files": map[string]any{"1_a.sql": strings.Repeat("0", 64)}}
	with := func(key string, value any) map[string]any {
		return map[string]any{key: value}
	}
	for _, tt := range []struct {
		name    string
		changes map[string]any
		failure string
	}{
		{"least", nil, ""},
		{"a cluster that is not ready", map[string]any{"host": "", "port": 0}, ""},
		{"no user", with("user", nil), "user: is required"},
		{"port", with("port", 70000), "port: 70000 must be a port number"},
		{"database", with("database", "a`; DROP DATABASE b"), "database: "},
		{"no files", with("files", map[string]any{}), "files: must not be empty"},
		{"misspelt", with("folders", "x"), "folders: unknown property; check the spelling"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			values := map[string]any{}
			for _, from := range []map[string]any{least, tt.changes} {
				for key, value := range from {
					values[key] = value
				}
			}
			wantFailure(t, migrationsType, inputs(values), tt.failure)
		})
	}
}
