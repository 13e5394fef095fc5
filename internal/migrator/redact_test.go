package migrator_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"

	"portfolio-infra/internal/testcheck"
)

// What a redacted run says has the number, the file and the line, and no value of a row or a
// statement.
func TestApply_redacted(t *testing.T) {
	const address = "alice@example.com"
	for _, tt := range []struct {
		name, files, want string
	}{
		{"in a transaction", "UPDATE a SET x = 1;\nINSERT INTO a (address) VALUES ('" + address + "');\n", "1_a.sql:2: Error 1062 (23000): (the server's text is not shown"},
		{"of rows", "\nUPDATE a SET x = 1;\nUPDATE a SET address = 'alice@example.com';\n", "1_a.sql:3: Error 1062"},
		{"made in TiDB", "INSERT INTO a (address) SELECT CONCAT('alice@', 'example.com');\n", "1_a.sql:1: Error 1062"},
		{"of a value", "UPDATE a SET x = CAST(address AS SIGNED) WHERE address = CONCAT(address, '');\n", "1_a.sql:1: Error 1292"},
		{"of the schema", "ALTER TABLE a ADD COLUMN z INT;\nALTER TABLE a ADD UNIQUE INDEX u (domain);\n", "1_a.sql:2: Error 1062 (23000): (the server's text is not shown, since it may have values of rows); step 1 of 2 is done and stays: change"},
		{"of BATCH", "-- portfolio:repeatable\nBATCH ON id LIMIT 1 UPDATE a SET address = CONCAT('alice@', 'example.com');\n", "1_a.sql:2: Error "},
		{"made outside", "CREATE TABLE a (address VARCHAR(100) DEFAULT 'alice@example.com');\n", "something outside"},
		{"no SQL", "INSERT INTO 'alice@example.com';\n", "1_a.sql:1: syntax error"},
		{"no SQL without a line", "INSERT INTO a (address) VALUES ('alice@example.com', \x00);\n", "1_a.sql"},
		{"refused", "SELECT 'alice@example.com';\n", "1_a.sql:1: it changes nothing"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newPlain(t, "masks", map[string]string{"1_a.sql": tt.files})
			w.hand("CREATE TABLE a (id INT PRIMARY KEY AUTO_INCREMENT, address VARCHAR(100) UNIQUE, domain VARCHAR(100) DEFAULT 'alice@example.com', x INT)",
				"INSERT INTO a (address) VALUES ('"+address+"'), ('bob@example.com')")
			w.redact = true
			err := w.up()
			testcheck.Error(t, err, tt.want)
			if err == nil {
				return
			}
			text := err.Error() + w.log.all()
			if refused := (*mysql.MySQLError)(nil); errors.As(err, &refused) {
				text += refused.Error() + refused.Message
			}
			for e := err; e != nil; e = errors.Unwrap(e) {
				text += e.Error()
			}
			for _, secret := range []string{address, "example.com", "alice", "Duplicate"} {
				if strings.Contains(text, secret) {
					t.Errorf("%q is in: %s", secret, text)
				}
			}
		})
	}
}

// Redaction changes what is said, and not what is done: how errors are told apart stays the same.
func TestApply_redacted_batch(t *testing.T) {
	w := newWorld(t)
	w.redact = true
	batch := func(set string) map[string]string {
		return map[string]string{"1_a.sql": "-- +goose NO TRANSACTION\n-- +goose Up\nCREATE TABLE a (id INT PRIMARY KEY);\n" +
			"-- portfolio:repeatable\nBATCH ON id LIMIT 1 UPDATE a SET " + set + ";\n"}
	}
	w.write(batch("id = 1"))
	testcheck.Error(t, w.up(), "1_a.sql:5: Error 1105", "Non-transactional (the server's text", "change only this one")
	w.write(map[string]string{"1_a.sql": "-- +goose Up\nCREATE TABLE a (id INT PRIMARY KEY);\nCREATE TABLE b AS SELECT 1;\n"})
	testcheck.Error(t, w.up(), "1_a.sql:3: Error 1105", "change only this one")
}

// A run that is to redact does not run on connections that do not.
func TestApply_redacted_pool(t *testing.T) {
	w := newPlain(t, "masks", map[string]string{"1_a.sql": "CREATE TABLE a (id INT);"})
	job := w.job()
	job.Redact = true
	testcheck.Error(t, w.apply(job), "must redact, too")
}

// A query may fail before its first row or later, and a transaction at its end.
func TestOpenRedacted(t *testing.T) {
	w := newWorld(t)
	w.hand("CREATE TABLE a (id INT PRIMARY KEY, address VARCHAR(100))",
		"INSERT INTO a WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 900) SELECT /*+ SET_VAR(cte_max_recursion_depth=1000) */ i, '\"x\"' FROM n",
		"UPDATE a SET address = 'alice@example.com' WHERE id = 900")
	w.redact = true
	db := w.open(w.name)
	defer db.Close()
	rows, err := db.QueryContext(t.Context(), "SELECT /*+ SET_VAR(tidb_max_chunk_size=32) */ JSON_EXTRACT(address, '$') FROM a")
	if err != nil {
		t.Fatalf("it failed before the first row: %v", err)
	}
	defer rows.Close()
	for rows.Next() {
	}
	err = rows.Err()
	var refused *mysql.MySQLError
	if !errors.As(err, &refused) || !strings.HasPrefix(refused.Message, "(the server's text is not shown") || !strings.Contains(err.Error(), refused.Message) {
		t.Errorf("%v", err)
	}
	if _, err := db.PrepareContext(t.Context(), "SELECT 1"); err == nil {
		t.Error("a statement that is not redacted can be prepared")
	}
}

// Optimistic transactions notice a duplicate at their end.
// https://docs.pingcap.com/tidbcloud/optimistic-transaction/
func TestOpenRedacted_commit(t *testing.T) {
	w := newWorld(t)
	w.hand("CREATE TABLE a (address VARCHAR(100) PRIMARY KEY)", "INSERT INTO a VALUES ('alice@example.com')")
	for _, w.redact = range []bool{false, true} {
		db := w.open(w.name)
		defer db.Close()
		db.SetMaxOpenConns(1)
		_, err := db.ExecContext(t.Context(), "SET SESSION tidb_txn_mode = 'optimistic'")
		if err != nil {
			t.Fatal(err)
		}
		tx, err := db.BeginTx(t.Context(), nil)
		if err == nil {
			_, err = tx.ExecContext(t.Context(), "INSERT INTO a VALUES ('alice@example.com')")
		}
		if err != nil {
			t.Fatal(err)
		}
		err = tx.Commit()
		testcheck.Error(t, err, "Error 1062")
		if err != nil && strings.Contains(err.Error(), "alice") == w.redact {
			t.Errorf("redacted %t: %v", w.redact, err)
		}
	}
}
