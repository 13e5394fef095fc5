package main

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"portfolio-infra/internal/sandbox/clouds"
	"portfolio-infra/internal/sandbox/emulator"
	"portfolio-infra/internal/sandbox/emulator/cloudflare"
)

// Which project belongs to which stack is read from the states as they are.
func TestSandbox_projects(t *testing.T) {
	s := &sandbox{root: t.TempDir(), dir: t.TempDir()}
	if err := os.WriteFile(filepath.Join(s.root, "Pulumi.yaml"), []byte("name: shop\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(s.dir, "state", ".pulumi", "stacks", "shop")
	write := func(file, resources string) {
		t.Helper()
		if err := os.MkdirAll(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, file), []byte(`{"checkpoint":{"latest":{"resources":[`+resources+`]}}}`), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	project := func(name string) string {
		return `{"type":"` + projectType + `","outputs":{"name":"` + name + `"}}`
	}
	known := s.watchProjects()
	want := func(want map[string]string) {
		t.Helper()
		have, err := known()
		if diff := cmp.Diff(want, have); diff != "" || err != nil {
			t.Errorf("%v (-want +have):\n%s", err, diff)
		}
		clear(have) // it is the caller's
	}
	want(map[string]string{})
	write("dev.json", project("site"))
	write("dev.json.bak", project("old"))
	write("pr-1.json", "")
	want(map[string]string{"dev": "site"})
	want(map[string]string{"dev": "site"})
	write("pr-1.json", project("pr-site")+","+strings.Replace(project("renamed-away"), "{", `{"delete":true,`, 1))
	want(map[string]string{"dev": "site", "pr-1": "pr-site"})
	if err := os.Remove(filepath.Join(folder, "dev.json")); err != nil {
		t.Fatal(err)
	}
	want(map[string]string{"pr-1": "pr-site"})
	write("pr-1.json", "}")
	if have, err := known(); err == nil || !strings.Contains(err.Error(), "stack pr-1: reading the state") {
		t.Errorf("a file that is not JSON: %v, %v", have, err)
	}
}

// The main host serves a project that no stack has, such as one of wrangler's, while the main stack
// has none; or the one that the user names.
func TestSandbox_startSites(t *testing.T) {
	s := &sandbox{root: t.TempDir(), dir: t.TempDir()}
	c := &clouds.Clouds{Cloudflare: &cloudflare.Cloud{Token: strings.Repeat("t", 40), DeployTime: -1}}
	want := func(named string, want map[string]string) {
		t.Helper()
		sites, err := s.startSites(t.Context(), c, named, nil)
		if err != nil {
			t.Fatal(err)
		}
		if have, err := sites.Stacks(); !maps.Equal(have, want) || err != nil {
			t.Errorf("%v, %v; want %v", have, err, want)
		}
	}
	want("", map[string]string{})
	deployByHand(c.Cloudflare, "theirs")
	want("", map[string]string{"dev": "theirs"})
	want("other", map[string]string{"dev": "other"})

	state := s.engine(nil).StacksFolder()
	if err := os.MkdirAll(state, 0o700); err != nil {
		t.Fatal(err)
	}
	resource := `{"checkpoint":{"latest":{"resources":[{"type":"` + projectType + `","outputs":{"name":"theirs"}}]}}}`
	if err := os.WriteFile(filepath.Join(state, "pr-1.json"), []byte(resource), 0o600); err != nil {
		t.Fatal(err)
	}
	want("", map[string]string{"pr-1": "theirs"})
}

// deployByHand deploys a project without files.
func deployByHand(cloud *cloudflare.Cloud, project string) {
	call := func(path, contentType, body string) {
		request := httptest.NewRequest(http.MethodPost, "/client/v4/accounts/"+cloudflare.DefaultAccountID+"/pages/projects"+path, strings.NewReader(body))
		request.Header.Set("Authorization", "Bearer "+cloud.Token)
		request.Header.Set("Content-Type", contentType)
		cloud.ServeHTTP(httptest.NewRecorder(), request)
	}
	call("", "application/json", `{"name":"`+project+`","production_branch":"main"}`)
	form, contentType := emulator.Form(emulator.Part{Name: "manifest", Content: []byte("{}")})
	call("/"+project+"/deployments", contentType, string(form))
}
