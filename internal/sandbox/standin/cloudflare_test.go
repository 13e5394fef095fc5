package standin

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/property"

	"portfolio-infra/internal/sandbox/emulator/cloudflare"
)

// A resource of each type is created, refreshed, changed, imported and deleted.
func TestCloudflare_life(t *testing.T) {
	script := filepath.Join(t.TempDir(), "worker.js")
	content := []byte("export default { fetch() {} }")
	if err := os.WriteFile(script, content, 0o600); err != nil {
		t.Fatal(err)
	}
	account := inputs("accountId", cloudflare.DefaultAccountID)
	worker := with(account, inputs("scriptName", "api", "mainModule", "worker.js", "contentFile", script,
		"contentSha256", hash(content), "compatibilityDate", "2026-01-01").AsMap()).Set("bindings",
		property.New([]property.Value{property.New(inputs("type", "plain_text", "name", "STACK", "text", "dev"))}))
	subdomain := account.Set("scriptName", property.New("api")).Set("enabled", property.New(true)).Set("previewsEnabled", property.New(false))
	s := newSite(t)
	// The subdomain is one of the Worker, which exists until the end.
	const workerURN = resource.URN("urn:pulumi:dev::portfolio::cloudflare:index/workersScript:WorkersScript::w")
	made, err := s.Create(t.Context(), p.CreateRequest{Urn: workerURN, Properties: worker})
	if err != nil {
		t.Fatal(err)
	}
	if have := s.refreshed(workerURN, made.ID, worker, made.Properties); diff(worker, have).HasChanges {
		t.Errorf("a refresh of the Worker finds %v", have)
	}
	for name, test := range map[string]struct {
		urn     resource.URN
		in      property.Map
		changed property.Map
		id      string
	}{
		"a project": {
			"urn:pulumi:dev::portfolio::cloudflare:index/pagesProject:PagesProject::p",
			with(account, inputs("name", "other", "productionBranch", "main").AsMap()),
			inputs("productionBranch", "trunk"), "other",
		},
		"a subdomain": {
			"urn:pulumi:dev::portfolio::cloudflare:index/workersScriptSubdomain:WorkersScriptSubdomain::s",
			subdomain, property.Map{}.Set("previewsEnabled", property.New(true)), "api",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := site{t, s.Provider, s.account}
			made, err := s.Create(t.Context(), p.CreateRequest{Urn: test.urn, Properties: test.in})
			if err != nil || made.ID != test.id {
				t.Fatalf("it is %v, %v", made, err)
			}
			if d := cmp.Diff(plain(test.in), plain(s.refreshed(test.urn, made.ID, test.in, made.Properties))); d != "" {
				t.Errorf("a refresh (-want +have):\n%s", d)
			}
			changed := with(test.in, test.changed.AsMap())
			updated, err := s.Update(t.Context(), p.UpdateRequest{Urn: test.urn, ID: made.ID, Inputs: changed, State: made.Properties})
			if err != nil {
				t.Fatal(err)
			}
			imported := s.imported(test.urn, cloudflare.DefaultAccountID+"/"+test.id)
			if d := cmp.Diff(plain(changed), plain(imported.Inputs)); d != "" || imported.ID != made.ID {
				t.Errorf("an import after the update (-want +have):\n%s", d)
			}
			if err := s.Delete(t.Context(), p.DeleteRequest{Urn: test.urn, ID: made.ID, Properties: updated.Properties}); err != nil {
				t.Error(err)
			}
		})
	}
	if err := s.Delete(t.Context(), p.DeleteRequest{Urn: workerURN, ID: made.ID, Properties: made.Properties}); err != nil {
		t.Error(err)
	}
	if gone := s.imported(workerURN, cloudflare.DefaultAccountID+"/api"); gone.ID != "" {
		t.Errorf("the Worker is still there: %v", gone)
	}
}
