package migrator_test

import (
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/evanw/esbuild/pkg/api"

	"portfolio-infra/internal/testcheck"
	"portfolio-infra/internal/testfiles"
)

// The tests of this file run the tools' own CLIs on the same folder and database.

// drizzle is a project of drizzle-kit, with its migrations in the folder "drizzle".
type drizzle struct {
	*world
	project, node string
}

// newDrizzle makes an empty project. It skips the test without the packages.
func newDrizzle(t *testing.T, modules string) *drizzle {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node is not on the PATH")
	}
	modules, err = filepath.Abs("../../.sandbox/npm/" + modules)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(modules, "drizzle-kit")); err != nil {
		t.Skip("drizzle-kit is not installed: `make npm` does it where npm is on the PATH")
	}
	d := &drizzle{newWorld(t), t.TempDir(), node}
	d.folder = filepath.Join(d.project, "drizzle")
	d.add("drizzle.config.ts", `export default { dialect: "mysql", schema: "./schema.ts", out: "./drizzle", dbCredentials: { url: process.env.DATABASE_URL! } };`)
	if err := os.Symlink(modules, filepath.Join(d.project, "node_modules")); err != nil {
		t.Fatal(err)
	}
	return d
}

func (d *drizzle) add(name, text string) {
	d.Helper()
	testfiles.Write(d, d.project, map[string]string{name: text})
}

// run runs a script of the project with node.
func (d *drizzle) run(script string, args ...string) string {
	d.Helper()
	login := d.login()
	address := url.URL{
		Scheme: "mysql", User: url.UserPassword(login.User, login.Password), Host: login.Addr(), Path: "/" + d.name,
		RawQuery: url.Values{"ssl": {`{"rejectUnauthorized":true,"verifyIdentity":true}`}}.Encode(),
	}
	cmd := exec.CommandContext(d.Context(), d.node, append([]string{script}, args...)...)
	cmd.Dir = d.project
	cmd.Env = append(os.Environ(), "NODE_EXTRA_CA_CERTS="+d.CAFile(), "DATABASE_URL="+address.String())
	out, err := cmd.CombinedOutput()
	if err != nil {
		d.Fatalf("%s %s: %v\n%s", script, args, err, out)
	}
	return string(out)
}

// kit runs drizzle-kit.
func (d *drizzle) kit(args ...string) string {
	d.Helper()
	return d.run("node_modules/drizzle-kit/bin.cjs", args...)
}

// generate generates the migration to a schema of testdata, after replacements.
func (d *drizzle) generate(schema string, replace ...string) {
	d.Helper()
	src, err := os.ReadFile(filepath.Join("testdata", "drizzle", schema+".ts"))
	if err != nil {
		d.Fatal(err)
	}
	text := strings.NewReplacer(replace...).Replace(string(src))
	d.add("schema.ts", text)
	d.add("schema.mjs", string(api.Transform(text, api.TransformOptions{Loader: api.LoaderTS}).Code))
	d.kit("generate", "--name", schema)
}

// edit replaces a text in the newest migration.
func (d *drizzle) edit(old, text string) {
	d.Helper()
	m := d.job().Migrations
	path := filepath.Join(d.folder, m[len(m)-1].Name)
	src, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(src), old) {
		d.Fatalf("%s lacks %q, or %v", path, old, err)
	}
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(string(src), old, text)), 0o600); err != nil {
		d.Fatal(err)
	}
}

// files are the files of the folder with their texts.
func (d *drizzle) files() map[string]string {
	d.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(d.folder, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		files[path] = string(text)
		return err
	})
	if err != nil {
		d.Fatal(err)
	}
	return files
}

// idle fails the test unless drizzle-kit has nothing to do.
func (d *drizzle) idle() {
	d.Helper()
	before := d.rows("SELECT * FROM __drizzle_migrations ORDER BY id")
	d.kit("migrate")
	same(d.T, "drizzle's table after its migrate", d.rows("SELECT * FROM __drizzle_migrations ORDER BY id"), before)
	if names, err := d.pending(); err != nil || len(names) > 0 {
		d.Errorf("pending after drizzle's migrate: %v, %v", names, err)
	}
}

// each runs a test with each release of drizzle-kit.
func each(t *testing.T, test func(t *testing.T, d *drizzle)) {
	for release, modules := range map[string]string{"0.x": drizzle0, "1.x": drizzle1} {
		t.Run(release, func(t *testing.T) {
			t.Parallel()
			test(t, newDrizzle(t, modules))
		})
	}
}

// The folders of the packages, below that of `make npm`.
const drizzle0, drizzle1 = "node_modules", "drizzle-1/node_modules"

// What drizzle-kit generates for ten tables, and then for a change of them, is applied as it is.
func TestApply_drizzleKit(t *testing.T) {
	each(t, func(t *testing.T, d *drizzle) {
		d.generate("schema1")
		d.want()
		d.generate("schema2")
		before := d.files()
		d.want()
		same(t, "the folder", d.files(), before)
		d.idle()
		src, err := os.ReadFile("testdata/drizzle/rows.mjs")
		if err != nil {
			t.Fatal(err)
		}
		d.add("rows.mjs", string(src))
		same(t, "rows", strings.TrimSpace(d.run("rows.mjs")),
			`{"full":"Ada Lovelace","role":"owner","settings":{"theme":"dark"},"state":"note G 7","refused":"ER_NO_REFERENCED_ROW_2"}`)
	})
}

// A migration that TiDB refuses in the middle is edited and finished, and drizzle-kit finds it done.
// What drizzle-kit applies then counts as applied.
func TestApply_drizzleKit_refused(t *testing.T) {
	each(t, func(t *testing.T, d *drizzle) {
		d.generate("schema1", `timestamp("at")`, `timestamp("at", { fsp: 3 })`)
		testcheck.Error(t, d.up(), "Error 1067", "step 1 of 25 is done and stays")
		d.edit("timestamp(3) NOT NULL DEFAULT (now())", "timestamp(3) NOT NULL DEFAULT (now(3))")
		d.want()
		d.idle()
		d.generate("schema2", `timestamp("at")`, `timestamp("at", { fsp: 3 })`)
		d.kit("migrate")
		d.want()
		same(t, "the columns of reactions", d.rows("SELECT COUNT(*) FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = 'reactions'"), []string{"3"})
	})
}

// A project goes from drizzle-kit 0.x to 1.x: its folder by drizzle-kit, its table here.
func TestApply_drizzleKit_up(t *testing.T) {
	d, next := newDrizzle(t, drizzle0), newDrizzle(t, drizzle1)
	d.generate("schema1")
	d.want()
	d.generate("schema2")
	d.want()
	next.name = d.name
	if err := os.CopyFS(next.folder, os.DirFS(d.folder)); err != nil {
		t.Fatal(err)
	}
	next.add("schema.ts", "")
	next.kit("up")
	if names, err := next.pending(); err != nil || names != nil {
		t.Errorf("pending: %v, %v", names, err)
	}
	next.write(map[string]string{"20991231000000_last/migration.sql": "CREATE TABLE last (id INT PRIMARY KEY);"})
	next.want()
	next.idle()
	testcheck.Error(t, d.up(), "the table __drizzle_migrations is one of drizzle-orm 1.x", "run `npx drizzle-kit up`")
}

// Drizzle-kit 1.x drops a foreign key by DROP CONSTRAINT, which TiDB ignores.
func TestApply_drizzleKit_foreignKey(t *testing.T) {
	d := newDrizzle(t, drizzle1)
	const schema = `import { int, mysqlTable } from "drizzle-orm/mysql-core";
export const a = mysqlTable("a", { id: int().primaryKey() });
export const b = mysqlTable("b", { id: int().primaryKey().references(() => a.id%s) });`
	d.add("schema.ts", fmt.Sprintf(schema, ""))
	d.kit("generate", "--name", "one")
	d.want()
	d.add("schema.ts", fmt.Sprintf(schema, `, { onDelete: "cascade" }`))
	d.kit("generate", "--name", "two")
	testcheck.Error(t, d.up(), "migration.sql:1: TiDB drops no foreign key", "DROP FOREIGN KEY")
	d.edit("DROP CONSTRAINT", "DROP FOREIGN KEY")
	d.want()
	d.idle()
	same(t, "rule", d.rows("SELECT delete_rule FROM information_schema.referential_constraints WHERE constraint_schema = DATABASE()"), []string{"CASCADE"})
}

// The five ways in which drizzle-kit 0.x begins the names of files.
func TestApply_drizzleKit_prefixes(t *testing.T) {
	for _, prefix := range []string{"index", "timestamp", "supabase", "unix", "none"} {
		t.Run(prefix, func(t *testing.T) {
			t.Parallel()
			d := newDrizzle(t, drizzle0)
			d.add("schema.ts", `import { int, mysqlTable } from "drizzle-orm/mysql-core"; export const t = mysqlTable("t", { id: int().primaryKey() });`)
			d.kit("generate", "--name", "init", "--prefix", prefix)
			d.want()
		})
	}
}

// gooseTags leave out the drivers of other databases.
const gooseTags = "no_postgres no_clickhouse no_mssql no_sqlite3 no_vertica no_ydb no_libsql"

// buildGoose builds goose's CLI.
func buildGoose(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "goose")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-tags", gooseTags, "-o", program, "github.com/pressly/goose/v3/cmd/goose")
	cmd.Dir = "../tools/goose"
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}

// Goose's CLI finds nothing to do after a run, with its own table or another. What it applied
// counts as applied.
func TestApply_gooseCLI(t *testing.T) {
	program := buildGoose(t)
	for _, table := range []string{"", "schema_versions"} {
		t.Run(table, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.table = table
			goose := func(command string) string {
				t.Helper()
				login := w.login()
				cmd := exec.CommandContext(t.Context(), program, "-env", "none", "-dir", w.folder, "-table", table, "-certfile", w.CAFile(), command)
				cmd.Env = append(os.Environ(), "GOOSE_DRIVER=mysql", fmt.Sprintf("GOOSE_DBSTRING=%s:%s@tcp(%s)/%s?tls=custom", login.User, login.Password, login.Addr(), w.name))
				out, err := cmd.CombinedOutput()
				if err != nil {
					t.Fatalf("goose %s: %v\n%s", command, err, out)
				}
				return string(out)
			}
			w.write(map[string]string{"00001_a.sql": "-- +goose Up\nCREATE TABLE a (id INT PRIMARY KEY);\nINSERT INTO a VALUES (1), (2);\nCREATE TABLE b (id INT PRIMARY KEY);\n-- +goose Down\nDROP TABLE b;\nDROP TABLE a;\n"})
			w.want()
			if out := goose("up"); !strings.Contains(out, "no migrations to run. current version: 1") {
				t.Errorf("goose up: %s", out)
			}
			if out := goose("status"); strings.Contains(out, "Pending") || !strings.Contains(out, "00001_a.sql") {
				t.Errorf("goose status: %s", out)
			}
			w.write(map[string]string{"00002_b.sql": "-- +goose NO TRANSACTION\n-- +goose Up\n-- +goose StatementBegin\nALTER TABLE a ADD COLUMN x INT\n-- +goose StatementEnd\n"})
			goose("up")
			w.want()
			goose("reset")
			w.want()
			if out := goose("up"); !strings.Contains(out, "no migrations to run. current version: 2") {
				t.Errorf("goose up: %s", out)
			}
		})
	}
}
