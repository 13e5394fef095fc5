package migrator_test

import (
	"fmt"
	"testing"

	"portfolio-infra/internal/migration"
)

// The tools' tables are right whenever a run dies, also for the tool itself.
func TestApply_killed_ledgers(t *testing.T) {
	const changes = "CREATE TABLE x (id INT PRIMARY KEY, n INT);\nINSERT INTO x VALUES (1, 0);\nUPDATE x SET n = n + 1;\nALTER TABLE x ADD COLUMN m INT;\n"
	for name, test := range map[string]struct {
		format migration.Format
		more   map[string]string // files
		setup  []string
		// died are conditions, at any moment, and done are rows at the end.
		died, done map[string]string
	}{
		"prisma": {
			format: migration.Prisma,
			more:   map[string]string{third + "/migration.sql": changes},
			// Prisma stops as long as a migration is begun, and applies nothing that is made.
			died: map[string]string{
				"SHOW TABLES LIKE 'x'": "SELECT COUNT(*) FROM _prisma_migrations WHERE migration_name = '" + third + "' AND rolled_back_at IS NULL",
			},
			done: map[string]string{
				"SELECT id, n, m FROM x": "1 1 ",
				"SELECT COUNT(*), COUNT(finished_at), SUM(applied_steps_count) FROM _prisma_migrations": "3 3 3",
			},
		},
		"drizzle-1, upgrade": {
			format: migration.Drizzle1,
			setup:  []string{drizzleTable0, createA, "INSERT INTO __drizzle_migrations (hash, created_at) VALUES ('1', 1775044800123)"},
			// drizzle upgrades a table without the column by itself. In another it takes a row
			// without a name for a migration that it does not know.
			died: map[string]string{
				"SELECT 1 FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = '__drizzle_migrations' AND column_name = 'name'": "SELECT COUNT(*) FROM __drizzle_migrations WHERE name = '" + first + "'",
			},
			done: map[string]string{"SELECT name FROM __drizzle_migrations WHERE hash = '1'": first, "SELECT COUNT(*) FROM __drizzle_migrations": "2"},
		},
		"baseline": {
			format: migration.Drizzle0,
			setup:  []string{createA, createB, "INSERT INTO a VALUES (7)"},
			done:   map[string]string{"SELECT id FROM a": "7", "SELECT COUNT(*), COUNT(DISTINCT hash) FROM __drizzle_migrations": "2 2"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for at, died := 1, true; died && !t.Failed(); at++ {
				w := newWorld(t)
				w.format = test.format
				w.write(formats[test.format].files)
				w.write(test.more)
				w.hand(test.setup...)
				if name == "baseline" {
					w.baseline = w.job().Migrations[1].Name
				}
				k := &killer{at: at, after: at%2 == 0}
				w.dial = k.dial
				err := w.up()
				if died = k.died(); !died && err != nil {
					t.Fatal(err)
				}
				w.dial = nil
				for condition, then := range test.died {
					if len(w.rows(condition)) > 0 {
						same(t, fmt.Sprintf("killed at write %d: %s", at, then), w.rows(then), []string{"1"})
					}
				}
				w.want()
				for query, want := range test.done {
					same(t, fmt.Sprintf("killed at write %d: %s", at, query), w.rows(query), []string{want})
				}
				w.hand("DROP DATABASE " + w.name)
			}
		})
	}
}
