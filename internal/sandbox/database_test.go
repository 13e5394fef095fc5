package main

import (
	"bytes"
	"crypto/sha256"
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

	"github.com/pulumi/pulumi/sdk/v3/go/auto/debug"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optup"

	emulated "portfolio-infra/internal/sandbox/emulator/sql"
	"portfolio-infra/internal/sandbox/emulator/sql/sqltest"
)

func TestStack_database(t *testing.T) {
	t.Run("embedded", func(t *testing.T) { testDatabase(newWorld(t)) })
	t.Run("real server", func(t *testing.T) {
		certs := t.TempDir()
		authority := &emulated.Servers{Dir: certs, Host: "localhost"}
		if err := errors.Join(authority.Open(), authority.Close()); err != nil {
			t.Fatal(err)
		}
		testDatabase(newWorld(t, "SANDBOX_MYSQL_CA="+filepath.Join(certs, "ca.pem"),
			"SANDBOX_MYSQL_DSN="+sqltest.RealServer(t, certs, "recognizable-admin")))
	})
}

func testDatabase(w *world) {
	doppler := func(config string) {
		w.set(map[string]any{"doppler": map[string]any{"project": "portfolio", "config": config}})
	}
	doppler("prd")
	w.up()
	app, admin := w.login()
	const table = "CREATE TABLE notes (id INT PRIMARY KEY, text VARCHAR(100))"
	if _, err := w.tryQuery(app, table); err == nil || !strings.Contains(err.Error(), "1142") {
		w.Errorf("the application creates a table: %v", err)
	}
	w.query(admin, table)
	w.query(app, "INSERT INTO notes VALUES (1, 'it works')")
	w.want("row", w.query(app, "SELECT text FROM notes"), "text\nit works\n")
	if user := w.query(app, "SELECT CURRENT_USER()"); strings.Contains(user, "root") || !strings.Contains(user, ".api@") {
		w.Errorf("the user is %s", user)
	}
	w.want("database", w.query(app, "SELECT DATABASE()"), "DATABASE()\nportfolio\n")
	w.want("in Doppler", w.inDoppler("prd"), hashOf(app))
	w.quiet()
	w.want("refresh", w.run("refresh").changes, map[string]int{})
	w.quiet()

	w.set(map[string]any{"rotation": "second"})
	r := w.up()
	w.want("changes", r.changes, map[string]int{"update": 4}) // both users, the Worker, Doppler
	var writes []string
	for _, c := range r.calls {
		if c.Write() {
			writes = append(writes, c.Cloud+" "+c.Method)
		}
	}
	slices.Sort(writes)
	w.want("writes", writes, []string{"cloudflare PUT", "tidbcloud PATCH", "tidbcloud PATCH"})
	for _, old := range []string{app, admin} {
		if _, err := w.tryQuery(old, "SELECT 1"); err == nil || !strings.Contains(err.Error(), "1045") {
			w.Errorf("the old password: %v", err)
		}
	}
	app, admin = w.login()
	w.query(admin, "ALTER TABLE notes ADD COLUMN at DATETIME")
	w.want("in Doppler", w.inDoppler("prd"), hashOf(app))
	w.want("row", w.query(app, "SELECT text FROM notes"), "text\nit works\n")
	w.quiet()

	doppler("dev")
	w.want("changes", w.up().changes, map[string]int{"replace": 1})
	w.want("in the old place of Doppler", w.inDoppler("prd"), "")
	w.want("in the new place of Doppler", w.inDoppler("dev"), hashOf(app))
	w.run("destroy")
	w.want("in Doppler after destroy", w.inDoppler("dev"), "")
}

// inDoppler returns the hash that the sandbox's Doppler CLI keeps of DATABASE_URL, or ""
// where there is none.
func (w *world) inDoppler(config string) string {
	w.Helper()
	b, err := os.ReadFile(filepath.Join(w.Dir, "doppler", "portfolio", config, "DATABASE_URL"))
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
	var env []string
	for name, value := range credentials {
		env = append(env, name+"="+value)
	}
	w := newWorld(t, env...)
	maps.Copy(w.Env, credentials)
	w.set(map[string]any{"doppler": map[string]any{"project": "portfolio", "config": "prd"}})
	var log bytes.Buffer
	level := uint(9)
	arguments := watchArguments(t)
	w.run("up", optup.ProgressStreams(&w.printed, &log), optup.ErrorProgressStreams(&w.printed, &log),
		optup.DebugLogging(debug.LoggingOptions{LogLevel: &level, LogToStdErr: true, FlowToPlugins: true}))
	if !strings.Contains(log.String(), "Marshaling property") {
		t.Fatalf("the log is not that of -v=9:\n%.2000s", log.String())
	}
	search := map[string][]byte{
		"the arguments of a process": arguments(),
		"the log at -v=9":            withoutTraffic(log.Bytes(), credentials),
		"what was printed":           withoutTraffic(w.printed.Bytes(), credentials),
	}
	secrets := maps.Clone(credentials)
	secrets["DATABASE_URL"], secrets["migrationUrl"] = w.login()
	for name, text := range maps.Clone(secrets) {
		if u, err := url.Parse(text); err == nil && u.User != nil {
			secrets["the password of "+name], _ = u.User.Password()
		}
	}
	err := filepath.WalkDir(w.Dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			search[path], err = os.ReadFile(path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, secret := range secrets {
		for form, text := range encodings(secret) {
			for where, content := range search {
				if bytes.Contains(content, []byte(text)) {
					t.Errorf("%s (%s) is in %s", name, form, where)
				}
			}
		}
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
			t.Error("the command's process was not found: the search would prove nothing")
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
