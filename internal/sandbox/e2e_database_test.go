package main

import (
	"bytes"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/debug"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optup"

	emulated "portfolio-infra/internal/sandbox/emulator/sql"
	"portfolio-infra/internal/sandbox/emulator/sql/sqltest"
)

// adminURL returns the output migrationUrl.
func (w *world) adminURL(outputs auto.OutputMap) string {
	w.Helper()
	text, ok := outputs["migrationUrl"].Value.(string)
	if !ok || !outputs["migrationUrl"].Secret {
		w.Fatalf("the output migrationUrl is no secret text")
	}
	return text
}

// workerURL returns the output databaseUrl, which must be what the Worker has.
func (w *world) workerURL(outputs auto.OutputMap) string {
	w.Helper()
	output := outputs["databaseUrl"]
	text, ok := output.Value.(string)
	if !ok || !output.Secret {
		w.Fatalf("the output databaseUrl is no secret text")
	}
	if !w.clouds.cloudflare.Scripts()[0].Secrets["DATABASE_URL"].Is(text) {
		w.Error("the Worker's DATABASE_URL is not the output's")
	}
	return text
}

// open connects with a connection string over verified TLS.
func (w *world) open(text string) *sql.DB {
	w.Helper()
	u, err := url.Parse(text)
	if err != nil {
		w.Fatal(err)
	}
	db, err := openURL(u, w.clouds.env["TIDBCLOUD_SQL_CA_FILE"])
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { _ = db.Close() })
	return db
}

// query runs one statement and returns the rows as printed.
func (w *world) query(text, statement string) string {
	w.Helper()
	u, err := url.Parse(text)
	if err != nil {
		w.Fatal(err)
	}
	var out bytes.Buffer
	if err := query(w.Context(), u, w.clouds.env["TIDBCLOUD_SQL_CA_FILE"], statement, &out); err != nil {
		w.Fatalf("%s: %v", statement, err)
	}
	return out.String()
}

func TestStack_database(t *testing.T) {
	t.Run("embedded", func(t *testing.T) { testDatabase(newWorld(t)) })
	t.Run("real server", func(t *testing.T) {
		certs := t.TempDir()
		authority := &emulated.Servers{Dir: certs, Host: "localhost"}
		if err := errors.Join(authority.Open(), authority.Close()); err != nil {
			t.Fatal(err)
		}
		t.Setenv("SANDBOX_MYSQL_DSN", sqltest.RealServer(t, certs, "recognizable-admin"))
		t.Setenv("SANDBOX_MYSQL_CA", filepath.Join(certs, "ca.pem"))
		testDatabase(newWorld(t))
	})
}

func testDatabase(w *world) {
	t := w.TB
	w.sb.config["portfolio:doppler"] = map[string]any{"project": "portfolio", "config": "prd"}
	_, outputs, _ := w.up()
	first, firstAdmin := w.workerURL(outputs), w.adminURL(outputs)
	const table = "CREATE TABLE notes (id INT PRIMARY KEY, text VARCHAR(100))"
	if _, err := w.open(first).ExecContext(t.Context(), table); err == nil || !strings.Contains(err.Error(), "1142") {
		t.Errorf("the application makes a table: %v", err)
	}
	w.query(firstAdmin, table)
	w.query(first, "INSERT INTO notes VALUES (1, 'it works')")
	w.want("row", w.query(first, "SELECT text FROM notes"), "text\nit works\n")
	if user := w.query(first, "SELECT CURRENT_USER()"); strings.Contains(user, "root") || !strings.Contains(user, ".api@") {
		t.Errorf("the user is %s", user)
	}
	w.want("database", w.query(first, "SELECT DATABASE()"), "DATABASE()\nportfolio\n")
	w.want("in Doppler", w.inDoppler("prd"), hashOf(first))
	w.quiet()
	w.want("refresh", w.refresh(), map[string]int{})
	w.quiet()

	w.sb.config["portfolio:rotation"] = "second"
	changed, outputs, calls := w.up()
	second := w.workerURL(outputs)
	w.want("changes", changed, map[string]int{"update": 4}) // both users, the Worker, Doppler
	var writes []string
	for _, c := range calls {
		if c.Write() {
			writes = append(writes, c.Cloud+" "+c.Method)
		}
	}
	slices.Sort(writes)
	w.want("writes", writes, []string{"cloudflare PUT", "tidbcloud PATCH", "tidbcloud PATCH"})
	for _, old := range []string{first, firstAdmin} {
		if err := w.open(old).PingContext(t.Context()); err == nil || !strings.Contains(err.Error(), "1045") {
			t.Errorf("the old password: %v", err)
		}
	}
	w.query(w.adminURL(outputs), "ALTER TABLE notes ADD COLUMN at DATETIME")
	w.want("in Doppler", w.inDoppler("prd"), hashOf(second))
	w.want("row", w.query(second, "SELECT text FROM notes"), "text\nit works\n")
	w.quiet()

	w.sb.config["portfolio:doppler"] = map[string]any{"project": "portfolio", "config": "dev"}
	changed, _, _ = w.up()
	w.want("changes", changed, map[string]int{"replace": 1})
	w.want("in the old place of Doppler", w.inDoppler("prd"), "")
	w.want("in the new place of Doppler", w.inDoppler("dev"), hashOf(second))
	w.destroy()
	w.want("in Doppler after destroy", w.inDoppler("dev"), "")
}

// inDoppler returns the hash that the sandbox's Doppler CLI keeps of DATABASE_URL, or
// "" where there is none.
func (w *world) inDoppler(config string) string {
	w.Helper()
	b, err := os.ReadFile(w.sb.path("doppler/portfolio/" + config + "/DATABASE_URL"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		w.Fatal(err)
	}
	hash, _, _ := strings.Cut(string(b), " ")
	return hash
}

func hashOf(text string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(text))) }

// Recognizable secrets must not be found in anything that is kept or printed.
func TestStack_secretsStaySecret(t *testing.T) {
	credentials := map[string]string{
		"CLOUDFLARE_API_TOKEN":     "recognizable-cloudflare-token-0123456789",
		"TIDBCLOUD_PRIVATE_KEY":    "recognizable-tidbcloud-private-key",
		"DOPPLER_TOKEN":            "recognizable-doppler-token-0123456789abcdef",
		"PULUMI_CONFIG_PASSPHRASE": "recognizable-passphrase",
	}
	for name, value := range credentials {
		t.Setenv(name, value)
	}
	w := newWorld(t, slices.Collect(maps.Keys(credentials))...)
	w.sb.config["portfolio:doppler"] = map[string]any{"project": "portfolio", "config": "prd"}
	var log bytes.Buffer
	level := uint(9)
	var outputs auto.OutputMap
	arguments := watchArguments(t)
	w.on(func(s auto.Stack) error {
		r, err := s.Up(w.Context(), optup.ProgressStreams(&w.printed, &log), optup.ErrorProgressStreams(&w.printed, &log),
			optup.DebugLogging(debug.LoggingOptions{LogLevel: &level, LogToStdErr: true, FlowToPlugins: true}))
		outputs = r.Outputs
		return err
	})
	if !strings.Contains(log.String(), "Marshaling property") {
		t.Fatalf("the log is not that of -v=9:\n%.2000s", log.String())
	}
	text := w.workerURL(outputs)
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	admin, err := url.Parse(w.adminURL(outputs))
	if err != nil {
		t.Fatal(err)
	}
	secrets := maps.Clone(credentials)
	secrets["DATABASE_URL"], secrets["migrationUrl"] = text, admin.String()
	secrets["the SQL password"], _ = u.User.Password()
	secrets["the admin's SQL password"], _ = admin.User.Password()
	search := func(where string, content []byte) {
		for name, secret := range secrets {
			for form, text := range encodings(secret) {
				if bytes.Contains(content, []byte(text)) {
					t.Errorf("%s (%s) is in %s", name, form, where)
				}
			}
		}
	}
	search("the arguments of a process", arguments())
	search("the log at -v=9", withoutTraffic(log.Bytes(), credentials))
	search("what was printed", withoutTraffic(w.printed.Bytes(), credentials))
	err = filepath.WalkDir(w.sb.dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		search(path, b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// watchArguments collects the arguments of all processes that run until stop is
// called, which returns them.
func watchArguments(t *testing.T) (stop func() []byte) {
	t.Helper()
	if _, err := os.Stat("/proc/self/cmdline"); err != nil {
		t.Log("there is no /proc: the arguments of processes are not searched")
		return func() []byte { return nil }
	}
	done, ended := make(chan struct{}), make(chan struct{})
	seen := map[string]bool{}
	go func() {
		defer close(ended)
		for {
			names, _ := filepath.Glob("/proc/[0-9]*/cmdline")
			for _, name := range names {
				if b, err := os.ReadFile(name); err == nil {
					seen[strings.ReplaceAll(string(b), "\x00", " ")] = true
				}
			}
			select {
			case <-done:
				return
			case <-time.After(10 * time.Millisecond):
			}
		}
	}()
	return func() []byte {
		close(done)
		<-ended
		all := strings.Join(slices.Collect(maps.Keys(seen)), "\n")
		if !strings.Contains(all, "bin/portfolio bind") {
			t.Error("the command's process was not seen: the search would prove nothing")
		}
		return []byte(all)
	}
}

// traffic is what Pulumi's engine logs at -v=9 of each property that it sends or
// gets, secrets in the clear: it leaves out only those of the config. No program and
// no provider has a say in that.
var traffic = regexp.MustCompile(`^.*(Marshaling|Unmarshaling) property for RPC\[.*$`)

// withoutTraffic leaves those lines out, unless one shows a credential of the user.
func withoutTraffic(log []byte, credentials map[string]string) []byte {
	var kept []byte
	for line := range bytes.Lines(log) {
		shows := func(secret string) bool { return bytes.Contains(line, []byte(secret)) }
		if !traffic.Match(bytes.TrimSpace(line)) || slices.ContainsFunc(slices.Collect(maps.Values(credentials)), shows) {
			kept = append(kept, line...)
		}
	}
	return kept
}

// encodings are the forms in which a secret could be somewhere.
func encodings(secret string) map[string]string {
	forms := map[string]string{
		"plain": secret, "URL-encoded": url.QueryEscape(secret), "path-encoded": url.PathEscape(secret),
		"quoted": strings.Trim(strconv.Quote(secret), `"`),
	}
	// In base64 it looks different at each of three distances from the beginning;
	// the letters that depend on what is before or behind are left out.
	for shift := range 3 {
		all := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("x", shift) + secret))
		forms["base64 "+strconv.Itoa(shift)] = all[(shift*8+5)/6 : len(all)-1]
	}
	return forms
}
