package provider_test

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"portfolio-infra/internal/migration"
)

// A run that dies before or after any write to the server is finished by the next one.
func TestMigrations_killed(t *testing.T) {
	withSchema(t, func(m *schema) {
		t := m.T
		m.write(createGuests, firstGuests, addEmail)
		for _, after := range []bool{false, true} {
			died := true
			for at := 1; died; at++ {
				m.name = fmt.Sprintf("killed_%d_%v", at, after)
				m.s.run(t, m.c, "CREATE DATABASE "+m.name)
				k := &killer{at: at, after: after}
				m.s.killer = k
				_, _, err := m.engine.write(m.wanted(nil), false)
				m.s.killer = nil
				if died = k.died(); !died && err != nil {
					t.Fatal(err)
				}
				if err != nil && strings.Contains(err.Error(), password) {
					t.Errorf("the password is in %v", err)
				}
				m.forget()
				m.steps(m.wanted(nil), "create", "same")
				same(t, "guests", m.rows("SELECT name FROM guests ORDER BY id"), []string{"Ada", "Grace; Hopper"})
				m.applied("00001_create_guests.sql", "00002_first_guests.sql", "00003_add_email.sql")
				m.gooseAgrees()
				m.forget()
				m.hand("DROP DATABASE " + m.name)
			}
		}
	})
}

// Two runs at once apply everything once.
func TestMigrations_concurrent(t *testing.T) {
	withSchema(t, func(m *schema) {
		t := m.T
		m.write(createGuests, firstGuests, addEmail)
		wanted := m.wanted(nil)
		var runs sync.WaitGroup
		for range 2 {
			runs.Go(func() {
				if _, _, err := m.engine.write(wanted, false); err != nil {
					t.Error(err)
				}
			})
		}
		runs.Wait()
		same(t, "guests", m.rows("SELECT COUNT(*) FROM guests"), []string{"2"})
		m.applied("00001_create_guests.sql", "00002_first_guests.sql", "00003_add_email.sql")
	})
}

// A run waits for another one, but not for ever.
func TestMigrations_locked(t *testing.T) {
	withSchema(t, func(m *schema) {
		t := m.T
		m.write(createGuests)
		sum := sha256.Sum256([]byte("portfolio"))
		db := m.s.open(t, m.c, "")
		defer db.Close()
		conn, err := db.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var locked bool
		if err := conn.QueryRowContext(t.Context(), fmt.Sprintf("SELECT GET_LOCK('pulumi_migrations:%x', 1)", sum[:16])).Scan(&locked); err != nil || !locked {
			t.Fatal(locked, err)
		}
		start := time.Now()
		_, err = m.up(m.wanted(nil))
		wantErr(t, err, `another run has been migrating database "portfolio" for`)
		if took := time.Since(start); took < 9*time.Minute || took > 10*time.Minute {
			t.Errorf("waited for %s", took)
		}
		_ = conn.Close()
		_ = db.Close()
		m.steps(m.wanted(nil), "create")
	})
}

// Only a re-run of a statement may find its change made.
func TestMigrations_resumes(t *testing.T) {
	withSchema(t, func(m *schema) {
		t := m.T
		for i, ddl := range []string{
			"CREATE TABLE b (id INT)",
			"CREATE VIEW v AS SELECT 1",
			"DROP TABLE old",
			"ALTER TABLE a ADD COLUMN c INT",
			"ALTER TABLE a ADD INDEX by_x (x)",
			"ALTER TABLE a DROP COLUMN y",
			"ALTER TABLE a DROP INDEX by_y",
			"ALTER TABLE a RENAME COLUMN x TO z",
			"ALTER TABLE a RENAME INDEX by_y TO by_z",
			"ALTER TABLE a RENAME TO b",
			"RENAME TABLE a TO b",
			"CREATE INDEX by_x ON a (x)",
			"DROP INDEX by_y ON a",
			"ALTER TABLE a ADD COLUMN c INT, DROP COLUMN y",
		} {
			m.name = fmt.Sprintf("resumes_%d", i)
			m.s.run(t, m.c, "CREATE DATABASE "+m.name)
			m.write(map[string]string{"1_change.sql": "-- +goose Up\n" + ddl + ";\n"})
			folder, err := migration.Read(m.folder, "")
			if err != nil {
				t.Fatal(err)
			}
			m.hand("CREATE TABLE a (id INT PRIMARY KEY, x INT, y INT, KEY by_y (y))", "CREATE TABLE old (id INT)", ddl)
			for range 2 {
				_, err = m.up(m.wanted(nil))
				wantErr(t, err, "applying the migration 1_change.sql:2: Error ", "something outside the migrations already made this change: revert it, or change the file")
			}
			m.hand(fmt.Sprintf("INSERT INTO pulumi_migrations (version, hash, name) VALUES (1, '%s', '1_change.sql')", folder.Migrations[0].Hash))
			m.steps(m.wanted(nil), "create", "same")
			m.applied("1_change.sql")
			m.forget()
		}
	})
}

// A run that began with another content of a file may have made its change.
func TestMigrations_edited(t *testing.T) {
	withSchema(t, func(m *schema) {
		t := m.T
		m.write(createGuests)
		m.steps(m.wanted(nil), "create")
		m.hand("DELETE FROM goose_db_version WHERE version_id = 1", "UPDATE pulumi_migrations SET finished = FALSE", "DROP TABLE pulumi_migration_steps")
		before := createGuests["00001_create_guests.sql"]
		m.write(map[string]string{"00001_create_guests.sql": strings.Replace(before, "60", "70", 1)})
		for range 2 {
			_, err := m.up(m.wanted(nil))
			wantErr(t, err, "00001_create_guests.sql:2: Error 1050", "another content of this file", "restore that content")
		}
		m.write(createGuests)
		m.steps(m.wanted(nil), "update", "same")
		m.applied("00001_create_guests.sql")
	})
}
