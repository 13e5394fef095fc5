package standin

import (
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"
	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/property"

	"portfolio-infra/internal/sandbox/emulator/cloudflare"
	"portfolio-infra/internal/sandbox/emulator/cloudflare/cloudflaretest"
	"portfolio-infra/internal/testcheck"
)

// site is a stand-in whose API has a Pages project "site".
type site struct {
	*testing.T
	p.Provider
	account *cloudflaretest.Account
}

func newSite(t *testing.T) site {
	account := cloudflaretest.New(t, &cloudflare.Cloud{})
	server := httptest.NewServer(account.Cloud)
	t.Cleanup(server.Close)
	process := Process{Environ: []string{"CLOUDFLARE_API_TOKEN=" + cloudflaretest.Token, "CLOUDFLARE_BASE_URL=" + server.URL + "/client/v4"}}
	s := site{t, Cloudflare(process), account}
	if err := s.Configure(t.Context(), p.ConfigureRequest{}); err != nil {
		t.Fatal(err)
	}
	account.CreateProject("site", "main")
	return s
}

// create creates a resource, of which a preview comes first.
func (s site) create(urn resource.URN, in property.Map) p.CreateResponse {
	s.Helper()
	preview, err := s.Create(s.Context(), p.CreateRequest{Urn: urn, Properties: in, DryRun: true})
	if err != nil || !preview.Properties.Get("createdOn").IsComputed() {
		s.Fatalf("the preview is %v, %v", preview, err)
	}
	made, err := s.Create(s.Context(), p.CreateRequest{Urn: urn, Properties: in})
	if err != nil {
		s.Fatal(err)
	}
	return made
}

// refreshed returns the inputs of a resource as a refresh makes them, or none if it is gone.
func (s site) refreshed(urn resource.URN, id string, in, state property.Map) property.Map {
	s.Helper()
	read, err := s.Read(s.Context(), p.ReadRequest{Urn: urn, ID: id, Inputs: in, Properties: state})
	if err != nil {
		s.Fatal(err)
	}
	return read.Inputs
}

func (s site) imported(urn resource.URN, id string) p.ReadResponse {
	s.Helper()
	read, err := s.Read(s.Context(), p.ReadRequest{Urn: urn, ID: id})
	if err != nil {
		s.Fatal(err)
	}
	return read
}

func plain(m property.Map) any { return resource.ToResourcePropertyMap(m).Mappable() }

func TestDomain(t *testing.T) {
	const urn = resource.URN("urn:pulumi:dev::portfolio::cloudflare:index/pagesDomain:PagesDomain::d")
	s := newSite(t)
	in := inputs("accountId", cloudflare.DefaultAccountID, "projectName", "site", "name", "www.example.com")
	made := s.create(urn, in)
	if made.ID != "www.example.com" || text(made.Properties, "status") != "initializing" ||
		text(made.Properties, "zoneTag") != cloudflare.DefaultZoneID {
		t.Errorf("it is %v", made)
	}
	if d := cmp.Diff(plain(in), plain(s.refreshed(urn, made.ID, in, made.Properties))); d != "" {
		t.Errorf("a refresh (-want +have):\n%s", d)
	}
	imported := s.imported(urn, cloudflare.DefaultAccountID+"/site/www.example.com")
	if d := cmp.Diff(plain(in), plain(imported.Inputs)); d != "" || imported.ID != made.ID {
		t.Errorf("an import (-want +have):\n%s", d)
	}
	_, err := s.Read(t.Context(), p.ReadRequest{Urn: urn, ID: "site/www.example.com"})
	testcheck.Error(t, err, "has not 3 parts")
	r, err := s.Diff(t.Context(), p.DiffRequest{Urn: urn, OldInputs: in, Inputs: in.Set("projectName", property.New("other"))})
	if err != nil || r.DetailedDiff["projectName"].Kind != p.UpdateReplace {
		t.Errorf("the diff is %v, %v", r, err)
	}
	if err := s.Delete(t.Context(), p.DeleteRequest{Urn: urn, ID: made.ID, Properties: made.Properties}); err != nil {
		t.Error(err)
	}
	if gone := s.imported(urn, cloudflare.DefaultAccountID+"/site/www.example.com"); gone.ID != "" {
		t.Errorf("it is still there: %v", gone)
	}
}

func TestRecord(t *testing.T) {
	const urn = resource.URN("urn:pulumi:dev::portfolio::cloudflare:index/dnsRecord:DnsRecord::r")
	s := newSite(t)
	in := inputs("zoneId", cloudflare.DefaultZoneID, "name", "www", "type", "CNAME", "content", "site.pages.dev").
		Set("ttl", property.New(1.0)).Set("proxied", property.New(true)).Set("comment", property.New("made"))
	made := s.create(urn, in)
	path := "/zones/" + cloudflare.DefaultZoneID + "/dns_records/" + made.ID
	if d := cmp.Diff(plain(in), plain(s.refreshed(urn, made.ID, in, made.Properties))); d != "" {
		t.Errorf("a refresh (-want +have):\n%s", d)
	}
	// Somebody else's change shows in a refresh, and an update takes it back.
	s.account.Call("PUT", path, `{"name":"www","type":"CNAME","content":"other.pages.dev","ttl":1,"proxied":true,"comment":"made"}`)
	if have := text(s.refreshed(urn, made.ID, in, made.Properties), "content"); have != "other.pages.dev" {
		t.Errorf("the refreshed content is %q", have)
	}
	updated, err := s.Update(t.Context(), p.UpdateRequest{Urn: urn, ID: made.ID, Inputs: in.Delete("comment"), State: made.Properties})
	if err != nil {
		t.Fatal(err)
	}
	imported := s.imported(urn, cloudflare.DefaultZoneID+"/"+made.ID)
	want := in.Delete("comment").Set("name", property.New("www.example.com"))
	if d := cmp.Diff(plain(want), plain(imported.Inputs)); d != "" || imported.ID != made.ID {
		t.Errorf("an import after the update (-want +have):\n%s", d)
	}
	if err := s.Delete(t.Context(), p.DeleteRequest{Urn: urn, ID: made.ID, Properties: updated.Properties}); err != nil {
		t.Error(err)
	}
	if gone := s.imported(urn, cloudflare.DefaultZoneID+"/"+made.ID); gone.ID != "" {
		t.Errorf("it is still there: %v", gone)
	}
	_, err = s.Create(t.Context(), p.CreateRequest{Urn: urn, Properties: in.Set("ttl", property.New(300.0))})
	testcheck.Error(t, err, "ttl must be set to 1")
}
