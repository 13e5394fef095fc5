package report

import (
	"bytes"
	"context"
	"crypto/sha1"
	"database/sql"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"portfolio-infra/internal/migration"
	"portfolio-infra/internal/migrator"
	emulatedsql "portfolio-infra/internal/sandbox/emulator/sql"
	"portfolio-infra/internal/sandbox/emulator/sql/sqltest"
	"portfolio-infra/internal/sandbox/emulator/tidbcloud"
	"portfolio-infra/internal/sqllogin"
	"portfolio-infra/internal/testcheck"
	"portfolio-infra/internal/testfiles"
)

const (
	cluster  = "1001"
	user     = "p1001.admin"
	password = "correct/horse:@"
	commit   = "0123456789abcdef0123456789abcdef01234567"
	seeded   = "alice@example.com"
)

// world is a server with an environment's database, and folders of the pull request and its base.
type world struct {
	*testing.T
	servers    *emulatedsql.Servers
	env        map[string]string
	head, base string
}

const database = "my-site"

func newWorld(t *testing.T, server *emulatedsql.Servers) *world {
	t.Helper()
	host, port := server.Endpoint(cluster)
	w := &world{T: t, servers: server, head: t.TempDir(), base: t.TempDir()}
	w.env = map[string]string{
		urlVariable:             fmt.Sprintf("mysql://%s:%s@%s:%d/%s?sslaccept=strict", user, url.QueryEscape(password), host, port, database),
		sqllogin.CAFileVariable: server.CAFile(),
	}
	w.exec("DROP DATABASE IF EXISTS `"+database+"`", "CREATE DATABASE `"+database+"` COLLATE utf8mb4_general_ci")
	for _, dir := range []string{w.head, w.base} {
		testfiles.Write(t, dir, map[string]string{
			"Pulumi.yaml":      "name: portfolio\nconfig:\n  migrations: {default: \"\"}\n  expireAfterDays: {default: 7}\n",
			"Pulumi.pr.yaml":   "config:\n  portfolio:migrations: sql\n",
			"sql/1_guests.sql": "-- +goose Up\nCREATE TABLE guests (id BIGINT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(60));\nCREATE SEQUENCE numbers;\n",
			"sql/2_view.sql":   "-- +goose Up\nCREATE VIEW latest AS SELECT name FROM guests;\n",
		})
	}
	t.Chdir(w.head)
	w.write(w.head, "outputs.json", `{"siteUrl": "https://portfolio-pr-7.pages.dev", "migrationUrl": "[secret]", "deployment": {"url": "https://0a1b.portfolio-pr-7.pages.dev"}}`)
	return w
}

func (w *world) write(dir, name, text string) {
	w.Helper()
	testfiles.Write(w, dir, map[string]string{name: text})
}

func (w *world) open(name string) *sql.DB {
	w.Helper()
	host, port := w.servers.Endpoint(cluster)
	db, err := sqllogin.Login{Host: host, Port: port, User: user, Password: password}.Open(w.servers.CAFile(), func(c *mysql.Config) { c.DBName = name })
	if err != nil {
		w.Fatal(err)
	}
	return db
}

func (w *world) exec(statements ...string) {
	w.Helper()
	db := w.open("")
	defer db.Close()
	for _, statement := range statements {
		if _, err := db.ExecContext(w.Context(), statement); err != nil {
			w.Fatalf("%s: %v", statement, err)
		}
	}
}

// up applies the migrations and the seeds of the pull request.
func (w *world) up() {
	w.Helper()
	w.write(w.head, "seeds/guests.sql", "INSERT INTO guests (name) VALUES ('"+seeded+"'), ('Grace');\n")
	db := w.open(database)
	defer db.Close()
	apply := func(folder string, format migration.Format, table string) {
		read, err := migration.Read(filepath.Join(w.head, folder), format)
		if err == nil {
			err = migrator.Job{Folder: read, Database: database, Table: table, Log: silent{}}.Apply(w.Context(), db)
		}
		if err != nil {
			w.Fatal(err)
		}
	}
	apply("sql", "", "")
	apply("seeds", migration.Plain, "seeds")
}

// report prints the report.
func (w *world) report(ctx context.Context, args ...string) (string, error) {
	w.Helper()
	var out bytes.Buffer
	args = append([]string{"-stack", "pr-7", "-outputs", "outputs.json", "-commit", commit, "-started", fmt.Sprint(time.Now().Add(-5000 * time.Second).Unix())}, args...)
	err := Run(ctx, args, strings.NewReader(""), &out, func(name string) string { return w.env[name] })
	return out.String(), err
}

// want fails the test unless the report with a base has the texts, and nothing that no one may
// see. It returns the report.
func (w *world) want(base string, want ...string) string {
	w.Helper()
	got, err := w.report(w.Context(), "-base", base)
	if err != nil {
		w.Fatal(err)
	}
	for _, text := range want {
		if !strings.Contains(got, text) {
			w.Errorf("want %q in:\n%s", text, got)
		}
	}
	for _, secret := range []string{seeded, "alice", "correct", user, "Duplicate", "[secret]"} {
		if strings.Contains(got, secret) {
			w.Errorf("%q is in:\n%s", secret, got)
		}
	}
	w.noScratch()
	return got
}

func (w *world) noScratch() {
	w.Helper()
	db := w.open("")
	defer db.Close()
	var n int
	if err := db.QueryRowContext(w.Context(), "SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name LIKE 'pulumi%'").Scan(&n); err != nil || n > 0 {
		w.Errorf("%d scratch databases are left, %v", n, err)
	}
}

func TestRun(t *testing.T) {
	server := &emulatedsql.Servers{TiDB: sqltest.TiDB(t), Host: "localhost"}
	t.Cleanup(func() { _ = server.Close() })
	if err := server.CreateCluster(cluster); err != nil {
		t.Fatal(err)
	}
	first := sha1.Sum([]byte(password))
	hash := fmt.Sprintf("*%X", sha1.Sum(first[:])) // of mysql_native_password
	if err := server.PutUser(cluster, tidbcloud.Login{User: tidbcloud.User{UserName: user, BuiltinRole: "role_admin"}, Password: password, Hash: hash}); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]func(w *world){
		"the same": func(w *world) {
			w.up()
			w.exec("DELETE FROM `" + database + "`.guests WHERE id = 1") // its number is left
			w.want(w.base, "### <https://portfolio-pr-7.pages.dev>\n", "at "+commit+"; this deployment alone: <https://0a1b.portfolio-pr-7.pages.dev>",
				"\nThe schema is that of the base.\n", "<summary>2 migrations, 1 seed", "| `1_guests.sql` | migration | 2 | ", "| `guests.sql` | seed | 1 | ",
				"<summary>3 tables</summary>", "| `guests` | 1 |", "| `latest` | - |", "| `numbers` | - |", "make up STACK=pr-7", "It took 5", " 7 days after this update")
		},
		"more": func(w *world) {
			w.write(w.head, "sql/3_email.sql", "-- +goose Up\nALTER TABLE guests ADD COLUMN email VARCHAR(100);\n")
			w.up()
			w.exec("CREATE DATABASE `pulumi_report_my-site`", "CREATE TABLE `pulumi_report_my-site`.guests (id INT)") // of a killed report
			got := w.want(w.base, "```diff\n@@ ", "+  `email` varchar(100) COLLATE utf8mb4_general_ci DEFAULT NULL,\n", "3 migrations (1 new), 1 seed", "| `3_email.sql` | **new** migration | 1 | ", "| `1_guests.sql` | migration |")
			if removed := strings.Count(got, "\n-"); removed > 0 {
				w.Errorf("%d lines removed:\n%s", removed, got)
			}
		},
		"a base that fails": func(w *world) {
			w.write(w.base, "sql/3_broken.sql", "-- +goose Up\nCREATE TABLE b (id INT PRIMARY KEY);\nINSERT INTO b SELECT 1 FROM (SELECT 1 UNION ALL SELECT 2) x;\n")
			w.up()
			w.want(w.base, "What changes in the schema is not known: `the migrations of the pull request's base cannot be applied to an empty database: applying the migration 3_broken.sql:3: Error 1062 (23000): (the server's text is not shown, since it may have values of rows)`\n", "| `guests` | 2 |")
		},
		"a base that names the database": func(w *world) {
			w.write(w.base, "sql/3_there.sql", "-- +goose Up\nDELETE FROM `"+database+"`.guests;\n")
			w.up()
			w.want(w.base, "3_there.sql:2 names the database my-site", "| `guests` | 2 |")
		},
		"a base without the folder": func(w *world) {
			w.write(w.head, "Pulumi.pr-7.yaml", "config:\n  portfolio:migrations: other\n  portfolio:previewData: branch\n  portfolio:expireAfterDays: 3\n")
			w.write(w.base, "Pulumi.pr.yaml", "")
			w.up()
			w.want(w.base, "the pull request's base has no folder other", "| `guests` | 2 |", "with the rows of a copy", " 3 days after this update")
		},
		"no base":         func(w *world) { w.up(); w.want("", "the pull request's base was not given", "| `guests` | 2 |") },
		"nothing applied": func(w *world) { w.want(w.base, "```diff\n@@ ", "-CREATE TABLE `guests`") },
		"a server that refuses": func(w *world) {
			w.env[urlVariable] = strings.Replace(w.env[urlVariable], "admin", "nobody", 1)
			w.want(w.base, "### <https://portfolio-pr-7.pages.dev>", "The database could not be read: `reading what was applied: Error 1045 (28000): (the server's text is not shown")
		},
		// So is the admin of a copy, whose grants are on one database.
		"a login that may not make a database": func(w *world) {
			w.write(w.head, "sql/3_email.sql", "-- +goose Up\nALTER TABLE guests ADD COLUMN email VARCHAR(100);\n")
			w.up()
			w.exec("DROP USER IF EXISTS 'p1001.less'@'%'", "CREATE USER 'p1001.less'@'%' IDENTIFIED BY '"+password+"'", "GRANT ALL ON `"+database+"`.* TO 'p1001.less'@'%'")
			w.env[urlVariable] = strings.Replace(w.env[urlVariable], "admin", "less", 1)
			w.want(w.base, "What changes in the schema is not known: `the login may not make the database pulumi_report_my-site, in which the base's migrations would run`\n", "| `guests` | 2 |")
			w.exec("GRANT ALL ON `pulumi_report_" + database + "`.* TO 'p1001.less'@'%'")
			w.want(w.base, "+  `email` varchar(100)")
		},
		"a cancelled run": func(w *world) {
			w.write(w.base, "sql/3_long.sql", "-- +goose Up\nCREATE TABLE b (id INT PRIMARY KEY, x INT);\nINSERT INTO b SELECT 1, SLEEP(600);\n")
			w.up()
			ctx, cancel := context.WithCancel(w.Context())
			go func() {
				db := w.open("")
				defer db.Close()
				for n := 0; n == 0; {
					if err := db.QueryRowContext(w.Context(), "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = 'pulumi_report_my-site' AND table_name = 'b'").Scan(&n); err != nil {
						w.Error(err)
						break
					}
				}
				cancel()
			}()
			if _, err := w.report(ctx, "-base", w.base); err != nil {
				w.Error(err)
			}
			w.noScratch()
		},
		"errors": func(w *world) {
			for want, args := range map[string][]string{
				"usage: environment report -stack": {"-nonsense"}, "-stack: \"dev\"": {"-stack", "dev"}, "-commit: ": {"-commit", "`x`"}, "-outputs: ": {"-outputs", "Pulumi.yaml"},
			} {
				_, err := w.report(w.Context(), args...)
				testcheck.Error(w, err, want)
			}
			for _, bad := range []string{"", "mysql://p:" + seeded + "%zz@h:1/d", "mysql://p:" + seeded + "@h/d", "mysql://p:x@h:1/", "postgres://p:" + seeded + "@h:1/d"} {
				w.env[urlVariable] = bad
				_, err := w.report(w.Context())
				if testcheck.Error(w, err, urlVariable); strings.Contains(err.Error(), seeded) {
					w.Errorf("%q: %v", bad, err)
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) { test(newWorld(t, server)) })
	}
}
