package stack

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	emulated "portfolio-infra/internal/sandbox/emulator/cloudflare"
)

const testDomain = "www.example.com"

// addRecord makes a DNS record of the test's domain.
func (a *account) addRecord(kind, content string) {
	a.Helper()
	r := httptest.NewRequest(http.MethodPost, "/client/v4/zones/"+emulated.DefaultZoneID+"/dns_records",
		strings.NewReader(`{"type":"`+kind+`","name":"`+testDomain+`","content":"`+content+`","ttl":1}`))
	r.Header.Set("Authorization", "Bearer "+testToken)
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	a.cloud.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		a.Fatalf("making a record: %d %s", w.Code, w.Body)
	}
}

func TestDomain(t *testing.T) {
	const site = "site.pages.dev"
	type want = []string
	for _, test := range []struct {
		name               string
		before             func(*account)
		new, kept          want // the errors for a name that is new, and for one in the state
		domains, recordsAt int  // what an up with a kept name leaves for the provider
	}{
		{"nothing exists", func(*account) {}, nil, nil, 0, 0},
		{"domain", func(a *account) { a.addDomain() }, want{"config key domain", "pulumi import cloudflare:index/pagesDomain"}, nil, 0, 0},
		{"record that leads to the site", func(a *account) { a.addRecord("CNAME", site) }, want{"pulumi import cloudflare:index/dnsRecord", "CNAME " + site}, nil, 0, 0},
		{"record that leads elsewhere", func(a *account) { a.addRecord("CNAME", "example.net") }, want{"CNAME example.net"}, want{"CNAME example.net"}, 0, 1},
		{"address", func(a *account) { a.addRecord("A", "192.0.2.1") }, want{"A 192.0.2.1"}, want{"A 192.0.2.1"}, 0, 1},
		{"record of another type", func(a *account) { a.addRecord("TXT", "hello") }, nil, nil, 0, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := newAccount(t)
			a.createProject("site", "main")
			test.before(a)
			args := &DomainArgs{Domain: Domain{testDomain, emulated.DefaultZoneID}, Cloudflare: a.client()}
			err := args.checkFree(t.Context(), a.client(), "site")
			if err == nil {
				err = args.checkRecordFree(t.Context(), a.client())
			}
			wantError(t, err, test.new...)
			for _, dryRun := range []bool{true, false} {
				err := args.beforeCreate(t.Context(), dryRun, "site")
				if err == nil {
					err = args.beforeCreateRecord(t.Context(), dryRun, site)
				}
				wantError(t, err, test.kept...)
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
	a.byHand(http.MethodPost, "/pages/projects/site/domains", "application/json", `{"name":"`+testDomain+`"}`)
}

// A preview that creates the project knows neither its name nor what a record leads to.
func TestDomain_firstPreview(t *testing.T) {
	a := newAccount(t)
	args := &DomainArgs{Domain: Domain{testDomain, emulated.DefaultZoneID}, Cloudflare: a.client()}
	wantError(t, args.beforeCreate(t.Context(), true, ""))
	wantError(t, args.beforeCreateRecord(t.Context(), true, ""))
	wantError(t, args.checkFree(t.Context(), a.client(), "site"))
}

// A domain that was deleted by hand is added again, and one that is there stays.
func TestDomain_ensure(t *testing.T) {
	a := newAccount(t)
	a.createProject("site", "main")
	args := &DomainArgs{Domain: Domain{Name: testDomain}, Cloudflare: a.client()}
	var ids []string
	for range 2 {
		wantError(t, args.ensure(t.Context(), "site"))
		found, err := a.client().Domain(t.Context(), "site", testDomain)
		if err != nil || found == nil {
			t.Fatalf("domain %v, %v", found, err)
		}
		ids = append(ids, a.cloud.Projects()[0].Domains[0])
	}
	if ids[0] != ids[1] {
		t.Errorf("the domain was added twice: %v", ids)
	}
}
