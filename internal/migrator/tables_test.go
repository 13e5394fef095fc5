package migrator_test

import (
	"regexp"
	"testing"

	"portfolio-infra/internal/migration"
	"portfolio-infra/internal/testcheck"
)

// A table of the tool under another name is found, and the advice names it.
func TestTables_otherName(t *testing.T) {
	eachFormat(t, func(w *world, applied string) {
		if w.format == migration.Prisma {
			return // it has no other name
		}
		w.want()
		table := regexp.MustCompile(`FROM (\w+)`).FindStringSubmatch(applied)[1]
		w.hand("RENAME TABLE " + table + " TO my_own")
		err := w.up()
		testcheck.Error(w.T, err, "the table my_own", "under another name", "`pulumi config set migrationsTable my_own`", "`pulumi config set migrationsTable "+table+"`")
		if job := w.job(); job.Lost(w.history(job), job.Migrations[0].Name) {
			w.Errorf("a refresh loses %s", job.Migrations[0].Name)
		}
		w.follow(err)
		w.want()
		same(w.T, "tables", w.rows("SHOW TABLES LIKE '"+table+"'"), []string(nil))
	})
}

// A table of the application may look like the tool's.
func TestTables_lookalike(t *testing.T) {
	w := newWorld(t)
	w.lay(migration.Drizzle0)
	w.hand("CREATE TABLE uploads (id BIGINT PRIMARY KEY, hash TEXT, created_at BIGINT)")
	testcheck.Error(t, w.up(), "the table uploads")
	w.table = "__drizzle_migrations"
	w.want()
	same(t, "uploads", w.rows("SELECT * FROM uploads"), []string(nil))
}

// A table that is not the tool's is refused before anything is written.
func TestTables_unfit(t *testing.T) {
	w := newWorld(t)
	w.lay(migration.Goose)
	w.table = "a"
	w.hand(createA)
	err := w.up()
	testcheck.Error(t, err, "the table a of database", "is none of goose, since it lacks the column version_id")
	w.hand("DROP TABLE a")
	w.follow(err)
	w.want()
}

// A database has one tool. To change it, a person renames the table and names what is made.
func TestTables_otherTool(t *testing.T) {
	for _, pair := range [][2]migration.Format{
		{migration.Goose, migration.Prisma}, {migration.Prisma, migration.Drizzle0}, {migration.Drizzle1, migration.Goose},
	} {
		t.Run(string(pair[0]+" to "+pair[1]), func(t *testing.T) {
			w := newWorld(t)
			w.lay(pair[0])
			w.want()
			w.folder = t.TempDir()
			w.lay(pair[1])
			err := w.up()
			testcheck.Error(t, err, "one tool a database", "go on with ")
			w.hand(regexp.MustCompile("`(RENAME TABLE [^`]*)`").FindStringSubmatch(err.Error())[1])
			w.baseline = w.job().Migrations[1].Name
			w.want()
			same(t, "applied", w.rows(formats[pair[1]].applied), []string{"2"})
		})
	}
}

// A migration that was begun is finished before the folder gets another format.
func TestTables_begun(t *testing.T) {
	w := newWorld(t)
	w.write(map[string]string{"0000_a.sql": createA + "ALTER TABLE nobody ADD x INT;\n", "meta/_journal.json": `{"entries":[{"when":1000,"tag":"0000_a"}]}`})
	testcheck.Error(t, w.up(), "Error 1146")
	old := w.folder
	w.folder = t.TempDir()
	w.write(map[string]string{first + "/migration.sql": createA, first + "/snapshot.json": "{}"})
	testcheck.Error(t, w.up(), "0000_a.sql was begun while the folder was one of drizzle-kit 0.x, and is not finished")
	w.folder = old
	w.write(map[string]string{"0000_a.sql": createA})
	w.want()
}
