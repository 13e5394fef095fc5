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
	testcheck.Error(t, os.Symlink(modules, filepath.Join(d.project, "node_modules")))
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
	testcheck.Error(d, os.WriteFile(path, []byte(strings.ReplaceAll(string(src), old, text)), 0o600))
}

// The folders of the packages, below that of `make npm`.
const drizzle0, drizzle1 = "node_modules", "drizzle-1/node_modules"

// What drizzle-kit generates for ten tables, and then for a change of them, is applied as it is. What
// TiDB refuses in the middle is edited and finished. What drizzle-kit applies then counts as applied,
// and it applies nothing else.
func TestApply_drizzleKit(t *testing.T) {
	for release, modules := range map[string]string{"0.x": drizzle0, "1.x": drizzle1} {
		t.Run(release, func(t *testing.T) {
			t.Parallel()
			d := newDrizzle(t, modules)
			fsp := []string{`timestamp("at")`, `timestamp("at", { fsp: 3 })`}
			d.generate("schema1", fsp...)
			testcheck.Error(t, d.up(), "Error 1067", "step 1 of 25 is done and stays")
			d.edit("timestamp(3) NOT NULL DEFAULT (now())", "timestamp(3) NOT NULL DEFAULT (now(3))")
			d.want()
			d.generate("schema2", fsp...)
			d.want()
			d.kit("generate", "--custom", "--name", "last")
			d.edit("-- Custom SQL migration file, put your code below! --", createC)
			d.kit("migrate")
			d.want()
			src, err := os.ReadFile("testdata/drizzle/rows.mjs")
			if err != nil {
				t.Fatal(err)
			}
			d.add("rows.mjs", string(src))
			same(t, "rows", strings.TrimSpace(d.run("rows.mjs")),
				`{"full":"Ada Lovelace","role":"owner","settings":{"theme":"dark"},"state":"note G 7","refused":"ER_NO_REFERENCED_ROW_2"}`)
		})
	}
}

// A project goes from drizzle-kit 0.x to 1.x: its folder by drizzle-kit, its table here.
func TestApply_drizzleKit_up(t *testing.T) {
	d, next := newDrizzle(t, drizzle0), newDrizzle(t, drizzle1)
	d.generate("schema1")
	d.want()
	next.name, next.db = d.name, d.db
	testcheck.Error(t, os.CopyFS(next.folder, os.DirFS(d.folder)))
	next.add("schema.ts", "")
	next.kit("up")
	next.want()
	next.write(map[string]string{"20991231000000_last/migration.sql": createC})
	next.kit("migrate")
	next.want()
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
