package stack

import (
	"net/http"
	"testing"
	"time"

	"portfolio-infra/internal/cloudflare"
	emulated "portfolio-infra/internal/sandbox/emulator/cloudflare"
	"portfolio-infra/internal/testcheck"
)

const testDomain = "www.example.com"

// addRecord makes a DNS record of the test's domain.
func (a *account) addRecord(kind, content string) {
	a.Helper()
	if err := a.Cloud.AddRecord(emulated.Record{Type: kind, Name: testDomain, Content: content}); err != nil {
		a.Fatal(err)
	}
}

func TestClearDomain(t *testing.T) {
	const site = "site.pages.dev"
	const conflict = "or, to manage it here, run `pulumi import cloudflare:index/"
	old := time.Time{}
	for _, test := range []struct {
		name               string
		before             func(*account)
		since              time.Time // when the stack began to want the domain
		new, want          string    // the errors for a name that is new, and of the creation
		domains, recordsAt int       // what an up leaves for the provider
	}{
		{"nothing exists", func(*account) {}, old, "", "", 0, 0},
		{"orphan", func(a *account) { a.addDomain() }, old, "", "", 0, 0},
		{"older domain", func(a *account) { a.addDomain() }, time.Now().Add(time.Hour), "", conflict, 1, 0},
		{"orphaned record", func(a *account) { a.addRecord("CNAME", site) }, old, "", "", 0, 0},
		{"older record", func(a *account) { a.addRecord("CNAME", site) }, time.Now().Add(time.Hour), "", conflict, 0, 1},
		{"record that leads elsewhere", func(a *account) { a.addRecord("CNAME", "example.net") }, old, "CNAME example.net", "CNAME example.net", 0, 1},
		{"address", func(a *account) { a.addRecord("A", "192.0.2.1") }, old, "A 192.0.2.1", "A 192.0.2.1", 0, 1},
		{"record of another type", func(a *account) { a.addRecord("TXT", "hello") }, old, "", "", 0, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := newAccount(t)
			a.CreateProject("site", "main")
			test.before(a)
			cfg := &Config{Domain: testDomain, ZoneID: emulated.DefaultZoneID}
			w := &world{api: a.client(), project: &cloudflare.Project{Subdomain: site}}
			testcheck.Error(t, checkRecordName(t.Context(), cfg, w), test.new)
			for _, dryRun := range []bool{true, false} {
				err := clearDomain(t.Context(), cfg, w.api, dryRun, "site", test.since)
				if err == nil {
					err = clearRecord(t.Context(), cfg, w.api, dryRun, site, test.since)
				}
				testcheck.Error(t, err, test.want)
			}
			found, err := a.client().Domain(t.Context(), "site", testDomain)
			if err != nil || (found != nil) != (test.domains > 0) {
				t.Errorf("the project has the domain: %v, %v", found, err)
			}
			records, err := a.client().Records(t.Context(), emulated.DefaultZoneID, testDomain)
			if err != nil || len(records) != test.recordsAt {
				t.Errorf("records %v, %v; want %d", records, err, test.recordsAt)
			}
		})
	}
}

func (a *account) addDomain() {
	a.Helper()
	a.Call(http.MethodPost, "/pages/projects/site/domains", `{"name":"`+testDomain+`"}`)
}

// A preview that creates the project knows neither its name nor what a record leads to.
func TestClearDomain_firstPreview(t *testing.T) {
	a := newAccount(t)
	cfg := &Config{Domain: testDomain, ZoneID: emulated.DefaultZoneID}
	testcheck.Error(t, clearDomain(t.Context(), cfg, a.client(), true, "", time.Now()))
	testcheck.Error(t, clearRecord(t.Context(), cfg, a.client(), true, "", time.Now()))
}

// A domain that was deleted by hand is added again, and one that is there stays.
func TestEnsureDomain(t *testing.T) {
	a := newAccount(t)
	a.CreateProject("site", "main")
	var ids []string
	for range 2 {
		testcheck.Error(t, ensureDomain(t.Context(), a.client(), "site", testDomain))
		found, err := a.client().Domain(t.Context(), "site", testDomain)
		if err != nil || found == nil {
			t.Fatalf("domain %v, %v", found, err)
		}
		ids = append(ids, a.Cloud.Projects()[0].Domains[0])
	}
	if ids[0] != ids[1] {
		t.Errorf("the domain was added twice: %v", ids)
	}
}
