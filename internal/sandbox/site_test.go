package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// newSiteFixture is a sandbox whose config names a copy of the example, on a machine with
// Cloudflare's runtime. It returns the copy of the site.
func newSiteFixture(t *testing.T) (f *fixture, folder string) {
	t.Helper()
	if !(&sandbox{root: root}).runtime().Installed() {
		t.Skip("Cloudflare's runtime is not installed: `make runtime` does it where npm is on the PATH")
	}
	f = newFixture(t)
	name := projectCopy(t, "internal/example/site", "")
	f.set(map[string]any{"site": name, "migrations": "internal/example/migrations"})
	return f, filepath.Join(root, name)
}

// served is the site of a fixture's clouds.
type served struct {
	f    *fixture
	base string
	host string // the header Host; "" is that of base
	log  *strings.Builder
}

// serveSite serves what is deployed, as `make site` does.
func (f *fixture) serveSite() *served {
	f.Helper()
	s := &served{f: f, log: &strings.Builder{}}
	box := &sandbox{root: root, dir: f.Dir, stderr: s.log}
	secrets, err := box.secrets(f.Context())
	if err != nil {
		f.Fatal(err)
	}
	server, err := box.startSites(f.Context(), f.clouds, "", secrets)
	if err != nil {
		f.Fatal(err)
	}
	front := httptest.NewServer(server)
	s.base = front.URL
	f.Cleanup(func() { front.Close(); _ = server.Close() })
	return s
}

// get returns the body of a path, which must answer 200.
func (s *served) get(path string) string {
	s.f.Helper()
	status, body := s.answer(path)
	if status != http.StatusOK {
		s.f.Fatalf("%s: %d\n%s%s", path, status, body, s.log)
	}
	return body
}

// answer returns the status and the body of a path.
func (s *served) answer(path string) (status int, body string) {
	s.f.Helper()
	response, body := s.do(http.MethodGet, path, nil)
	return response.StatusCode, body
}

// do makes a request with a header, and returns the response and its body.
func (s *served) do(method, path string, form io.Reader, header ...string) (*http.Response, string) {
	s.f.Helper()
	request, err := http.NewRequestWithContext(s.f.Context(), method, s.base+path, form)
	if err != nil {
		s.f.Fatal(err)
	}
	request.Host = s.host
	for pair := range slices.Chunk(header, 2) {
		request.Header.Set(pair[0], pair[1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		s.f.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		s.f.Fatal(err)
	}
	return response, string(content)
}

// names returns the names of the rows that a path of the API lists.
func (s *served) names(path string) (names []string) {
	s.f.Helper()
	var list struct {
		Rows []struct {
			Name string `json:"name"`
		} `json:"rows"`
	}
	if err := json.Unmarshal([]byte(s.get(path)), &list); err != nil {
		s.f.Fatal(err)
	}
	for _, row := range list.Rows {
		names = append(names, row.Name)
	}
	return names
}

// sign adds an entry to the guest book.
func (s *served) sign(name string) {
	s.f.Helper()
	s.f.want("status of an entry", s.guest(name, "It's me", false).StatusCode, http.StatusCreated)
}

// One up from nothing leads to a page that serves rows. Each later up leads to what it
// deployed.
func TestStack_site(t *testing.T) {
	f, folder := newSiteFixture(t)
	f.up()
	s := f.serveSite()
	projects := []string{"This page", "Field notes", "Tide table"}
	f.want("projects", s.names("/api/projects"), projects)
	s.sign("Ada")
	f.noChanges()

	index := filepath.Join(folder, "index.html")
	content, err := os.ReadFile(index)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(index, []byte(strings.Replace(string(content), "Things I have made", "Things we made", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	f.want("changes of an edited page", f.up().changes, map[string]int{"update": 1})
	deployed, _ := f.outputs()["deployment"].(map[string]any)
	f.want("files uploaded", deployed["uploaded"], any(float64(1)))
	if !strings.Contains(s.get("/"), "Things we made") {
		t.Error("the page is still the old one")
	}
	f.want("guests", s.names("/api/guestbook"), []string{"Ada"})

	f.set(map[string]any{"rotation": 1})
	f.up()
	f.want("guests after a rotation", s.names("/api/guestbook"), []string{"Ada"})

	f.clouds.Close()
	again := openFixture(t, f.Dir)
	again.Config = f.Config
	s = again.serveSite()
	again.want("projects of another process", s.names("/api/projects"), projects)
	again.want("guests of another process", s.names("/api/guestbook"), []string{"Ada"})
	again.run("destroy")
	again.left(0, 0, 0)
}

// While one process serves the site, others work on the same stack.
func TestRun_site(t *testing.T) {
	f, _ := newSiteFixture(t)
	f.clouds.Close()
	s := &sandbox{root: root, dir: f.Dir, config: f.Config, lookup: func(name string) (string, bool) {
		value, ok := map[string]string{"SANDBOX_CLUSTER_TIME": "500ms"}[name]
		return value, ok
	}}
	ctx, stop := context.WithCancel(t.Context())
	read, write := io.Pipe()
	serving := *s
	serving.stdout, serving.stderr = write, t.Output()
	ended := make(chan int)
	go func() { ended <- run(ctx, &serving, []string{"site", "-listen", "127.0.0.1:0"}) }()
	said, err := bufio.NewReader(read).ReadString('\n')
	if err != nil || !strings.Contains(said, "serves what the next `make up` deploys") {
		t.Fatalf("site prints %q, %v", said, err)
	}
	base, _, _ := strings.Cut(said, " ")
	command := func(want string, args ...string) {
		t.Helper()
		var out bytes.Buffer
		other := *s
		other.stdout, other.stderr = &out, &out
		if code := run(t.Context(), &other, args); code != 0 || !strings.Contains(out.String(), want) {
			t.Fatalf("%v: exit code %d, want %q: %s", args, code, want, out.String())
		}
	}
	command(base+", for https://portfolio.pages.dev\nserved by:   `make site`, which is running\n", "up")
	site := &served{f: f, base: base, log: &strings.Builder{}}
	site.sign("Ada")
	command("Ada", "sql", "SELECT name FROM guests")
	stop()
	if code := <-ended; code != 0 {
		t.Errorf("site: exit code %d", code)
	}
	command("served by:   `make site`\n", "up")
}

// Code that throws as it starts fails in an up, as on Cloudflare, and what is deployed stays.
func TestStack_throwsAtStart(t *testing.T) {
	f, folder := newSiteFixture(t)
	(&sandbox{root: root, dir: f.Dir, stderr: t.Output()}).checkStart(f.Context(), f.clouds)
	script, err := filepath.Rel(root, filepath.Join(folder, "..", t.Name()+".js"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Remove(filepath.Join(root, script)) })
	write := func(file, content string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// Variables and secrets are there at the start.
	good := `import { env } from "cloudflare:workers"; if (!env.DATABASE_URL) throw new Error("no secret"); export default { fetch: () => new Response("good") };`
	write(filepath.Join(root, script), good)
	f.set(map[string]any{"workerScript": script})
	f.up()
	uploaded := f.script().Modules

	write(filepath.Join(root, script), "globalThis.nope.start();\n"+good)
	f.fails("up", "10021", "Uncaught TypeError: Cannot read properties of undefined (reading 'start')")
	f.want("the Worker", f.script().Modules, uploaded)
	write(filepath.Join(root, script), good)
	functions := filepath.Join(folder, "_worker.ts")
	write(functions, "globalThis.nope.start();\nexport default {};")
	f.fails("up", "Failed to publish your Function. Got error: Uncaught TypeError")
	write(functions, "export default { fetch: (request: Request, env: any) => env.API_SERVICE.fetch(request) };")
	f.up()
	f.want("what is served", f.serveSite().get("/api/x"), "good")
}
