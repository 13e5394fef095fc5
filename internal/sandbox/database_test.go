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
)

// Doppler has the connection string that the Worker has, after a rotation too, and only at the
// place that the config names. A rotation writes no more than it must.
func TestStack_doppler(t *testing.T) {
	f := newFixture(t)
	doppler := func(config string) {
		f.set(map[string]any{"doppler": map[string]any{"project": "portfolio", "config": config}})
	}
	doppler("prd")
	f.up()
	app, admin := f.login()
	f.want("in Doppler", f.inDoppler("prd"), hashOf(app))

	f.set(map[string]any{"rotation": "1"})
	r := f.up()
	f.want("changes", r.changes, map[string]int{"update": 4}) // the idle login, the admin, the Worker, Doppler
	var writes []string
	for _, c := range r.calls {
		if c.Write() {
			writes = append(writes, c.Cloud+" "+c.Method)
		}
	}
	slices.Sort(writes)
	f.want("writes", writes, []string{"cloudflare PUT", "tidbcloud PATCH", "tidbcloud PATCH"})
	if _, err := f.tryQuery(admin, "SELECT 1"); err == nil || !strings.Contains(err.Error(), "1045") {
		f.Errorf("the admin's old password: %v", err)
	}
	f.query(app, "SELECT 1") // the previous login stays valid until the next step
	app, _ = f.login()
	f.want("in Doppler", f.inDoppler("prd"), hashOf(app))
	f.noChanges()

	doppler("dev")
	f.want("changes", f.up().changes, map[string]int{"replace": 1})
	f.want("in the old place of Doppler", f.inDoppler("prd"), "")
	f.want("in the new place of Doppler", f.inDoppler("dev"), hashOf(app))
	f.run("destroy")
	f.want("in Doppler after destroy", f.inDoppler("dev"), "")
}

// inDoppler returns the hash that the sandbox's Doppler CLI keeps of DATABASE_URL, or ""
// where there is none.
func (f *fixture) inDoppler(config string) string {
	f.Helper()
	b, err := os.ReadFile(filepath.Join(f.Dir, "doppler", "portfolio", config, "DATABASE_URL"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		f.Fatal(err)
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
	f := newFixture(t, env...)
	maps.Copy(f.Env, credentials)
	f.set(map[string]any{"doppler": map[string]any{"project": "portfolio", "config": "prd"}})
	var log bytes.Buffer
	level := uint(9)
	arguments := watchArguments(t)
	f.run("up", optup.ProgressStreams(&f.printed, &log), optup.ErrorProgressStreams(&f.printed, &log),
		optup.DebugLogging(debug.LoggingOptions{LogLevel: &level, LogToStdErr: true, FlowToPlugins: true}))
	if !strings.Contains(log.String(), "Marshaling property") {
		t.Fatalf("the log is not that of -v=9:\n%.2000s", log.String())
	}
	search := map[string][]byte{
		"the arguments of a process": arguments(),
		"the log at -v=9":            withoutTraffic(log.Bytes(), credentials),
		"what was printed":           withoutTraffic(f.printed.Bytes(), credentials),
	}
	secrets := maps.Clone(credentials)
	secrets["DATABASE_URL"], secrets["migrationUrl"] = f.login()
	for name, text := range maps.Clone(secrets) {
		if u, err := url.Parse(text); err == nil && u.User != nil {
			secrets["the password of "+name], _ = u.User.Password()
		}
	}
	err := filepath.WalkDir(f.Dir, func(path string, d os.DirEntry, err error) error {
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

// traffic matches what Pulumi's engine logs at -v=9 of each property that it sends or gets.
// Secrets are in the clear, except those of the config. No program or provider can change
// that.
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
