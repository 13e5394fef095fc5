package main

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"portfolio-infra/internal/testfiles"
)

// at returns the same server under another stack's host.
func (s *served) at(f *fixture) *served {
	_, port, _ := strings.Cut(strings.TrimPrefix(s.base, "http://"), ":")
	return &served{f: f, base: s.base, log: s.log, host: f.Stack + ".localhost:" + port}
}

// watch asks for the guest book all the time, until the function that it returns is called. Each answer
// must be that of now.
func (s *served) watch(why string) (stop func()) {
	s.f.Helper()
	want := s.get("/api/guestbook")
	var wait sync.WaitGroup
	var stopped atomic.Bool
	asked := 0
	wait.Go(func() {
		for ; !stopped.Load(); asked++ {
			time.Sleep(10 * time.Millisecond) // others need the processor too
			request, err := http.NewRequestWithContext(s.f.Context(), http.MethodGet, s.base+"/api/guestbook", nil)
			if err != nil {
				s.f.Error(err)
				return
			}
			request.Host = s.host
			request.Header.Set("Cookie", "signed=1") // it reads the rows, whatever it read last
			response, err := http.DefaultClient.Do(request)
			var body []byte
			if err == nil {
				body, err = io.ReadAll(response.Body)
				_ = response.Body.Close()
			}
			if err != nil || string(body) != want {
				s.f.Errorf("production while %s: %v, %s, want %s", why, err, body, want)
				return
			}
		}
	})
	return func() {
		stopped.Store(true)
		wait.Wait()
		s.f.Logf("production answered %d times while %s", asked, why)
		if asked < 2 {
			s.f.Error("it was hardly asked")
		}
	}
}

// Production, an environment with data of its own and one on a branch, side by side: one server serves
// all, each from its own rows. Whatever happens to the environments, production answers and its rows
// stay, and the end of one is the end of nothing else.
func TestEnvironment_site(t *testing.T) {
	f, _ := newSiteFixture(t)
	f.up()
	database, _ := f.login()
	f.query(database, "INSERT INTO guests (name, message) VALUES ('Ada', 'a row of production'), ('Alan', 'another one')")
	production := f.serveSite()
	f.want("guests of production", production.names("/api/guestbook"), []string{"Alan", "Ada"})
	production.sign("Edsger")
	guests := []string{"Edsger", "Alan", "Ada"}
	rows := func() string { return f.query(database, "SELECT * FROM guests ORDER BY id") }
	before := rows()
	unchanged := func(when string) { t.Helper(); f.want("rows of production "+when, rows(), before) }

	// A pull request may add a migration.
	migrations := projectCopy(t, "internal/example/migrations", "-migrations")
	fresh := map[string]any{"site": "internal/example/site", "migrations": migrations, "seeds": "internal/example/seeds"}
	branch := map[string]any{"site": "internal/example/site", "migrations": migrations,
		"previewData": "branch", "branchOf": "stack:organization/portfolio/dev", "masks": "internal/example/masks"}

	stop := production.watch("environments are made")
	pr1, pr2 := f.environment("pr-1", fresh), f.environment("pr-2", branch)
	page1, page2 := production.at(pr1), production.at(pr2)
	if status, body := page1.answer("/"); status != http.StatusNotFound || !strings.Contains(body, "`make up STACK=pr-1` makes one\n  http://localhost:") {
		t.Errorf("before there is one: %d %s", status, body)
	}
	pr1.up()
	pr2.up()
	seeded := page1.names("/api/guestbook")
	f.want("guests of pr-1", seeded, []string{"Zoë", "Grace", "Ada"})
	masked := page2.names("/api/guestbook")
	f.want("guests of pr-2", masked, []string{"Guest 3", "Guest 2", "Guest 1"})
	page1.sign("Linus")
	page2.sign("recognizable-reviewer")
	page2.sign("recognizable-reviewer")
	seeded = append([]string{"Linus"}, seeded...)
	masked = append([]string{"recognizable-reviewer", "recognizable-reviewer"}, masked...)
	shown := func(when string) {
		t.Helper()
		f.want("guests of pr-1 "+when, page1.names("/api/guestbook"), seeded)
		f.want("guests of pr-2 "+when, page2.names("/api/guestbook"), masked)
		unchanged(when)
	}
	shown("after their entries")

	t.Log("a migration that fails shows no row of a copy")
	wrong := filepath.Join(root, migrations, "00004_once.sql")
	testfiles.Write(t, filepath.Dir(wrong), map[string]string{"00004_once.sql": "-- +goose Up\nALTER TABLE guests ADD UNIQUE INDEX one (name);\n"})
	pr2.fails("up", "00004_once.sql", "1062")
	for _, value := range []string{"recognizable-reviewer", "Duplicate entry"} {
		if strings.Contains(pr2.printed.String(), value) {
			t.Errorf("the error shows %q:\n%s", value, pr2.printed.String())
		}
	}
	shown("after a migration that failed")
	stop()
	if err := os.Remove(wrong); err != nil {
		t.Fatal(err)
	}
	f.noChanges()

	t.Log("each in the process of another sandbox, whose clouds do not know the secrets")
	f.clouds.Close()
	again := openFixture(t, f.Dir)
	again.Config = f.Config
	f = again
	pr1, pr2 = again.environment("pr-1", fresh), again.environment("pr-2", branch)
	production = again.serveSite()
	page1, page2 = production.at(pr1), production.at(pr2)
	f.want("guests of production", production.names("/api/guestbook"), guests)
	shown("in another process")

	if err := again.clouds.Share(again.Dir); err != nil {
		t.Fatal(err)
	}
	stop = production.watch("the environments end")
	for i, pr := range []*fixture{pr1, pr2} {
		pr.command("destroy", "-stack", pr.Stack)
		if status, body := production.at(pr).answer("/"); status != http.StatusNotFound {
			t.Errorf("%s after its end: %d %s", pr.Stack, status, body)
		}
		f.left(2-i, 2-i, 1)
		unchanged("after the end of " + pr.Stack)
	}
	stop()
	f.want("branches that are left", len(f.clouds.TiDB.Branches(f.cluster().ClusterID)), 0)
	stacks, err := f.Stacks()
	if err != nil {
		t.Fatal(err)
	}
	f.want("stacks", stacks, []string{"dev"})
	f.want("guests of production", production.names("/api/guestbook"), guests)
	f.noChanges()
}
