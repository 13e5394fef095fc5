package migrator_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"portfolio-infra/internal/migration"
	"portfolio-infra/internal/migrator"
	"portfolio-infra/internal/testcheck"
)

// journal writes files of drizzle-kit 0.x and their journal. Each has the time 1000 times its number.
func (w *world) journal(numbers []int, files ...string) {
	w.Helper()
	type entry struct {
		Idx  int    `json:"idx"`
		When int64  `json:"when"`
		Tag  string `json:"tag"`
	}
	var entries []entry
	for i, n := range numbers {
		tag, text, _ := strings.Cut(files[i], ": ")
		w.write(map[string]string{tag + ".sql": text})
		entries = append(entries, entry{i, int64(n) * 1000, tag})
	}
	text, err := json.Marshal(map[string]any{"version": "7", "dialect": "mysql", "entries": entries})
	if err != nil {
		w.Fatal(err)
	}
	w.write(map[string]string{"meta/_journal.json": string(text)})
}

// drizzleTable are the statements by which drizzle-orm makes its table.
const (
	drizzleTable0 = "CREATE TABLE __drizzle_migrations (id serial primary key, hash text not null, created_at bigint)"
	drizzleTable1 = "CREATE TABLE __drizzle_migrations (id SERIAL PRIMARY KEY, hash TEXT NOT NULL, created_at BIGINT, name TEXT, applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP)"
)

const createA, createB, createC = "CREATE TABLE a (id INT PRIMARY KEY);\n", "CREATE TABLE b (id INT PRIMARY KEY);\n", "CREATE TABLE c (id INT PRIMARY KEY);\n"

// drizzle 0.x skips a migration that is older than the newest row. That is refused, and the message
// helps.
func TestDrizzle0_late(t *testing.T) {
	w := newWorld(t)
	w.journal([]int{1, 3}, "0000_a: "+createA, "0001_c: "+createC)
	w.want()
	same(t, "rows", w.rows("SELECT id, created_at, LENGTH(hash) FROM __drizzle_migrations ORDER BY id"), []string{"1 1000 64", "2 3000 64"})
	w.journal([]int{1, 2, 3}, "0000_a: "+createA, "0001_b: "+createB, "0001_c: "+createC)
	for range 2 {
		testcheck.Error(t, w.up(), "0001_b.sql is new, but drizzle skips it without a word", "is not above 3000", "set it to 3001")
	}
	w.write(map[string]string{"meta/_journal.json": `{"dialect":"mysql","entries":[{"when":1000,"tag":"0000_a"},{"when":3001,"tag":"0001_b"},{"when":3000,"tag":"0001_c"}]}`})
	w.want()
	same(t, "tables", w.rows("SELECT COUNT(*) FROM b"), []string{"0"})
}

// A journal that is out of order is refused as a whole, whatever an interrupted run has applied.
func TestDrizzle0_order(t *testing.T) {
	w := newWorld(t)
	w.journal([]int{2, 1}, "0000_a: "+createA, "0001_b: "+createB)
	testcheck.Error(t, w.up(), "0001_b.sql is new", "set it to 2001")
	same(t, "tables", w.rows("SHOW TABLES LIKE '__drizzle%'"), []string(nil))
}

// A row counts for the migration of its time, or else of its hash. Migrations with the same text
// are two.
func TestDrizzle0_match(t *testing.T) {
	w := newWorld(t)
	const custom = "-- Custom SQL migration file, put your code below! --"
	w.journal([]int{1, 2, 3}, "0000_a: "+createA, "0001_b: "+custom, "0002_c: "+custom)
	w.want()
	w.hand("DELETE FROM __drizzle_migrations WHERE created_at = 2000")
	_, _, err := w.pending()
	testcheck.Error(t, err, "0001_b.sql is new")
	// Two runs of drizzle at once, and another time in the journal.
	w.hand("INSERT INTO __drizzle_migrations (hash, created_at) SELECT hash, 2000 FROM __drizzle_migrations WHERE created_at = 3000",
		"INSERT INTO __drizzle_migrations (hash, created_at) SELECT hash, created_at FROM __drizzle_migrations WHERE created_at = 3000")
	w.journal([]int{4, 2, 3}, "0000_a: "+createA, "0001_b: "+custom, "0002_c: "+custom)
	w.want()
	same(t, "rows", w.rows("SELECT created_at FROM __drizzle_migrations ORDER BY created_at"), []string{"2000", "3000", "3000", "4000"})
	w.hand("INSERT INTO __drizzle_migrations (hash, created_at) VALUES ('feed', 1764500000000)")
	testcheck.Error(t, w.up(), "the migration of 2025-11-30T10:53:20Z with the SHA-256 feed has been applied, but its file is missing")
}

// A refresh has no folder. It knows the migrations of 0.x from our own table.
func TestDrizzle0_refresh(t *testing.T) {
	w := newWorld(t)
	w.journal([]int{1, 2}, "0000_a: "+createA, "0001_b: "+strings.ReplaceAll(createB, "\n", "\r\n"))
	w.want()
	w.hand("DELETE FROM __drizzle_migrations WHERE created_at = 1000")
	job := migrator.Job{Folder: migration.Folder{Format: migration.Drizzle0}, Database: w.name, Log: &w.log}
	h := w.history(job)
	same(t, "lost", []bool{job.Lost(h, "0000_a.sql"), job.Lost(h, "0001_b.sql")}, []bool{true, false})
}

// folders writes migrations of drizzle-kit 1.x, or of Prisma.
func (w *world) folders(files map[string]string) {
	w.Helper()
	for name, text := range files {
		w.write(map[string]string{name + "/migration.sql": text, name + "/snapshot.json": `{"dialect":"mysql"}`})
	}
}

const first, second, third = "20260401120000_a", "20260401120001_b", "20260401120002_c"

// drizzle 1.x applies a migration late.
func TestDrizzle1_late(t *testing.T) {
	w := newWorld(t)
	w.folders(map[string]string{first: createA, third: createC})
	w.want()
	w.folders(map[string]string{second: createB})
	w.want()
	same(t, "rows", w.rows("SELECT name, created_at, applied_at IS NOT NULL FROM __drizzle_migrations ORDER BY id"),
		[]string{first + " 1775044800000 1", third + " 1775044802000 1", second + " 1775044801000 1"})
}

// A table of 0.x gets names as drizzle-orm 1.x gives them, also after an interrupted upgrade of
// either.
func TestDrizzle1_upgrade(t *testing.T) {
	for name, before := range map[string][]string{
		"0.x":                  {drizzleTable0},
		"interrupted":          {drizzleTable0, "CREATE TABLE pulumi_migrations_upgrade (id INT)", "CREATE TABLE pulumi_migrations_replaced (id INT)"},
		"interrupted, drizzle": {drizzleTable1},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.folders(map[string]string{first: createA, second: createB, third: createC})
			w.hand(append(before, "CREATE TABLE a (id INT)", "CREATE TABLE b (id INT)",
				"INSERT INTO __drizzle_migrations (id, hash, created_at) VALUES (3, 'of another text', 1775044800123)",
				fmt.Sprintf("INSERT INTO __drizzle_migrations (id, hash, created_at) VALUES (7, SHA2(%q, 256), 1)", createB))...)
			w.want()
			same(t, "rows", w.rows("SELECT id, name, created_at, applied_at IS NOT NULL FROM __drizzle_migrations ORDER BY id")[:2],
				[]string{"3 " + first + " 1775044800123 0", "7 " + second + " 1 0"})
			same(t, "names", w.rows("SELECT name FROM __drizzle_migrations ORDER BY id"), []string{first, second, third})
			same(t, "tables", w.rows("SHOW TABLES LIKE 'pulumi%'"), []string{"pulumi_migration_steps"})
		})
	}
}

// A table of 0.x with rows that the folder does not explain stays as it is, as in drizzle.
func TestDrizzle1_upgrade_unknown(t *testing.T) {
	w := newWorld(t)
	w.folders(map[string]string{first: createA})
	w.hand(drizzleTable0, "INSERT INTO __drizzle_migrations (hash, created_at) VALUES ('feed', 1764500000000)")
	testcheck.Error(t, w.up(), "the migration of 2025-11-30T10:53:20Z with the SHA-256 feed has been applied, but its file is missing")
	same(t, "columns", w.rows("SELECT COUNT(*) FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = '__drizzle_migrations'"), []string{"3"})
}

func TestDrizzle0_newerTable(t *testing.T) {
	w := newWorld(t)
	w.journal([]int{1}, "0000_a: "+createA)
	w.hand(drizzleTable1)
	testcheck.Error(t, w.up(), "the table __drizzle_migrations is one of drizzle-orm 1.x", "`npx drizzle-kit up`")
}
