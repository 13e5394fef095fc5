package pages

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"portfolio-infra/internal/cloudflare"
	emulated "portfolio-infra/internal/sandbox/emulator/cloudflare"
	"portfolio-infra/internal/sandbox/emulator/cloudflare/cloudflaretest"
	"portfolio-infra/internal/testfiles"
)

const (
	account  = emulated.DefaultAccountID
	apiToken = cloudflaretest.Token
	digest   = "00112233445566778899aabbccddeeff"
	owner    = "portfolio-dev-abcdefghijkl"
	// apiBinding is the usual part of a request.
	apiBinding = `"bindings":{"API_SERVICE":{"service":"api","environment":"production"}}`
)

// vars are environment variables.
type vars map[string]string

func (v vars) get(name string) string { return v[name] }

// withToken is the environment of most commands.
var withToken = vars{cloudflare.EnvToken: apiToken}

// equal fails the test unless both are equal.
func equal[T any](t testing.TB, what string, have, want T) {
	t.Helper()
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("%s (-want +have):\n%s", what, diff)
	}
}

// site is an emulated account with the Workers "api" and "auth" and the Pages project "site",
// and what a stack has of that.
type site struct {
	*testing.T
	*cloudflaretest.Account
	request  DeployRequest
	progress bytes.Buffer
	previous string // the last result of bind
}

func newSite(t *testing.T, folder string) *site {
	t.Helper()
	s := &site{T: t, Account: cloudflaretest.New(t, &emulated.Cloud{DeployTime: 2 * time.Second})}
	s.request = DeployRequest{AccountID: account, Project: "site", Owner: owner, Site: folder}
	s.UploadWorker("api", "")
	s.UploadWorker("auth", "")
	s.CreateProject("site", "main")
	return s
}

// command runs a command as the engine would, and returns what it prints.
func (s *site) command(ctx context.Context, verb, request string) (string, error) {
	var out bytes.Buffer
	env := vars{cloudflare.EnvToken: apiToken, envPrevious: s.previous}
	err := run(ctx, verb, strings.NewReader(request), &out, &s.progress, env.get, s.Net)
	return out.String(), err
}

// bubble runs a subtest whose time is its own.
func bubble(t *testing.T, name string, f func(t *testing.T)) {
	t.Helper()
	t.Run(name, func(t *testing.T) { synctest.Test(t, f) })
}

// files are the contents of a folder, as [testfiles.Write] takes them.
type files map[string]string

// write adds the files to a folder.
func (f files) write(t testing.TB, folder string) {
	t.Helper()
	testfiles.Write(t, folder, f)
}

// project writes the files to a new project, and returns a path in it.
func (f files) project(t testing.TB, path string) string {
	t.Helper()
	return filepath.Join(testfiles.Folder(t, f), path)
}

// site writes the files to a new project with the site "public", and returns its folder.
func (f files) site(t testing.TB) string {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "public")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	f.write(t, folder)
	return folder
}

// read reads a site that has the files.
func (f files) read(t testing.TB) *Site {
	t.Helper()
	return mustRead(t, Folder{Site: f.site(t)})
}

// mustRead reads a site, which is closed at the end of the test.
func mustRead(t testing.TB, f Folder) *Site {
	t.Helper()
	s, err := Read(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// jsonOf returns a value as JSON.
func jsonOf(t testing.TB, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
