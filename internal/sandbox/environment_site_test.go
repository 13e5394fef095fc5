package main

import (
	"net/http"
	"os"
	"strings"
	"testing"
)

// at returns the same server under another stack's host.
func (s *served) at(f *fixture) *served {
	_, port, _ := strings.Cut(strings.TrimPrefix(s.base, "http://"), ":")
	return &served{f: f, base: s.base, log: s.log, host: f.Stack + ".localhost:" + port}
}

// Production and an environment side by side: one server serves both, each from its own database,
// and the end of the environment is the end of nothing else.
func TestEnvironment_site(t *testing.T) {
	f, _ := newSiteFixture(t)
	f.up()
	f.query(f.outputs()["databaseUrl"].(string), "INSERT INTO guests (name, message) VALUES ('Ada', 'a row of production')")
	production := f.serveSite()
	f.want("guests of production", production.names("/api/guestbook"), []string{"Ada"})

	example := map[string]any{"site": "internal/example/site", "seeds": "internal/example/seeds"}
	pr := f.environment("pr-1", example)
	page := production.at(pr)
	if status, body := page.answer("/"); status != http.StatusNotFound || !strings.Contains(body, "`make up STACK=pr-1` makes one\n  http://localhost:") {
		t.Errorf("before there is one: %d %s", status, body)
	}
	pr.up()
	pr.noChanges()
	seeded := page.names("/api/guestbook")
	if len(seeded) == 0 {
		t.Error("the environment has no seeds")
	}
	page.sign("Grace")
	f.want("guests of the environment", page.names("/api/guestbook"), append([]string{"Grace"}, seeded...))
	production.sign("Alan")
	f.want("guests of production", production.names("/api/guestbook"), []string{"Alan", "Ada"})
	f.noChanges()

	t.Log("each in the process of another sandbox, whose clouds do not know the secrets")
	f.clouds.Close()
	again := openFixture(t, f.Dir)
	again.Config = f.Config
	pr = again.environment("pr-1", example)
	production = again.serveSite()
	again.want("guests of production", production.names("/api/guestbook"), []string{"Alan", "Ada"})
	again.want("guests of the environment", production.at(pr).names("/api/guestbook"), append([]string{"Grace"}, seeded...))

	before, err := os.ReadFile(again.Dir + "/state/.pulumi/stacks/portfolio/dev.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := again.clouds.Share(again.Dir); err != nil {
		t.Fatal(err)
	}
	pr.command("destroy", "-stack", "pr-1")
	again.left(1, 1, 1)
	if after, err := os.ReadFile(again.Dir + "/state/.pulumi/stacks/portfolio/dev.json"); err != nil || string(after) != string(before) {
		t.Errorf("the state of production has changed: %v", err)
	}
	if status, body := production.at(pr).answer("/"); status != http.StatusNotFound {
		t.Errorf("after its end: %d %s", status, body)
	}
	again.want("guests of production", production.names("/api/guestbook"), []string{"Alan", "Ada"})
	again.noChanges()
}
