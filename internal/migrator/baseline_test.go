package migrator_test

import (
	"regexp"
	"testing"

	"portfolio-infra/internal/migration"
	"portfolio-infra/internal/testcheck"
)

// follow does what the command of a message says, of those that set a key.
func (w *world) follow(err error) {
	w.Helper()
	if err == nil {
		w.Fatal("no error")
	}
	found := regexp.MustCompile("`pulumi config (set|rm) (\\w+) ?([^`]*)`").FindStringSubmatch(err.Error())
	if found == nil {
		w.Fatalf("no command in: %v", err)
	}
	switch key := found[2]; key {
	case "migrationsBaseline":
		w.baseline = found[3]
	case "migrationsTable":
		w.table = found[3]
	default:
		w.Fatalf("%s in: %v", key, err)
	}
}

// formats are folders of two migrations in each format, and the query of the applied ones.
var formats = map[migration.Format]struct {
	files   map[string]string
	applied string
}{
	migration.Goose:    {map[string]string{"1_a.sql": "-- +goose Up\n" + createA, "2_b.sql": "-- +goose Up\n" + createB}, "SELECT COUNT(*) FROM goose_db_version WHERE version_id > 0"},
	migration.Drizzle0: {map[string]string{"0000_a.sql": createA, "0001_b.sql": createB, "meta/_journal.json": `{"entries":[{"when":1,"tag":"0000_a"},{"when":2,"tag":"0001_b"}]}`}, "SELECT COUNT(*) FROM __drizzle_migrations"},
	migration.Drizzle1: {map[string]string{first + "/migration.sql": createA, second + "/migration.sql": createB}, "SELECT COUNT(name) FROM __drizzle_migrations"},
	migration.Prisma:   {map[string]string{first + "/migration.sql": createA, second + "/migration.sql": createB, "migration_lock.toml": `provider = "mysql"`}, "SELECT COUNT(*) FROM _prisma_migrations WHERE finished_at IS NOT NULL"},
}

// lay lays the folder out as the tool of a format does.
func (w *world) lay(format migration.Format) {
	w.Helper()
	w.format = format
	w.write(formats[format].files)
}

// eachFormat runs a test with each format, with the folder of formats.
func eachFormat(t *testing.T, test func(w *world, applied string)) {
	for format, folder := range formats {
		t.Run(string(format), func(t *testing.T) {
			w := newWorld(t)
			w.lay(format)
			test(w, folder.applied)
		})
	}
}

// Tables that were made otherwise are recorded up to the migration that the error's advice names, or to
// an earlier one. What comes after it runs.
func TestBaseline(t *testing.T) {
	eachFormat(t, func(w *world, applied string) {
		w.hand(createA)
		w.follow(w.up())
		for i := 1; i >= 0; i-- {
			last := w.job().Migrations[i].Name
			outlines, _, err := w.pending()
			if err != nil || len(outlines) != 2 {
				w.Fatalf("pending: %v, %v", outlines, err)
			}
			same(w.T, "outline", outlines[i], "pending migration: "+last+", recorded as applied without running it, because of migrationsBaseline")
			w.baseline = w.job().Migrations[0].Name
		}
		for range 2 {
			w.want()
			same(w.T, "applied", w.rows(applied), []string{"2"})
		}
		same(w.T, "b", w.rows("SELECT COUNT(*) FROM b"), []string{"0"})
		w.baseline = ""
		w.want()
	})
}

// In a database without tables everything runs, even if the first run is interrupted.
func TestBaseline_fresh(t *testing.T) {
	w := newWorld(t)
	w.lay(migration.Goose)
	w.write(map[string]string{"3_c.sql": "-- +goose Up\nALTER TABLE nobody ADD x INT;\n"})
	w.baseline = "3_c.sql"
	for range 2 {
		testcheck.Error(t, w.up(), "3_c.sql:2: Error 1146")
	}
	w.write(map[string]string{"3_c.sql": "-- +goose Up\nALTER TABLE a ADD x INT;\n"})
	w.want()
	same(t, "columns", w.rows("SELECT id, x FROM a"), []string(nil))
}

// A baseline is a migration of the folder, and not for a database with records.
func TestBaseline_records(t *testing.T) {
	w := newWorld(t)
	w.lay(migration.Goose)
	w.hand("CREATE TABLE goose_db_version (id bigint unsigned auto_increment primary key, version_id bigint not null, is_applied boolean not null, tstamp timestamp null default now())",
		"INSERT INTO goose_db_version (version_id, is_applied) VALUES (0, 1), (1, 1)", createA)
	w.baseline = "c"
	testcheck.Error(t, w.up(), `migrationsBaseline: the folder has no migration "c": name one, such as 2_b.sql`)
	w.baseline = "2_b.sql"
	err := w.up()
	testcheck.Error(t, err, "migrationsBaseline: database", "has records of migrations, but not of 2_b.sql", "`pulumi config rm migrationsBaseline`")
	w.follow(err)
	w.want()
	same(t, "b", w.rows("SELECT COUNT(*) FROM b"), []string{"0"})
}
