package standin

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/property"

	"portfolio-infra/internal/sandbox/emulator/cloudflare"
	"portfolio-infra/internal/sandbox/emulator/cloudflare/cloudflaretest"
	"portfolio-infra/internal/testcheck"
)

const account, zone = cloudflare.DefaultAccountID, cloudflare.DefaultZoneID

// newSite returns a stand-in whose API has a Pages project "site" and a Worker "api".
func newSite(t *testing.T) (p.Provider, *cloudflaretest.Account) {
	api := cloudflaretest.New(t, &cloudflare.Cloud{})
	server := httptest.NewServer(api.Cloud)
	t.Cleanup(server.Close)
	site := Cloudflare(Process{Environ: []string{"CLOUDFLARE_API_TOKEN=" + cloudflaretest.Token, "CLOUDFLARE_BASE_URL=" + server.URL + "/client/v4"}})
	testcheck.Error(t, site.Configure(t.Context(), p.ConfigureRequest{}))
	api.CreateProject("site", "main")
	api.UploadWorker("api", "")
	return site, api
}

func urnOf(kind string) resource.URN {
	return resource.URN("urn:pulumi:dev::portfolio::cloudflare:index/" + kind + "::x")
}

func plain(m property.Map) any { return resource.ToResourcePropertyMap(m).Mappable() }

const recordType = "dnsRecord:DnsRecord"

var record1 = inputs("zoneId", zone, "name", "www", "type", "CNAME", "content", "site.pages.dev", "comment", "made").
	Set("ttl", property.New(1.0)).Set("proxied", property.New(true))

// A resource of each type is previewed, created, refreshed, changed, imported and deleted.
func TestCloudflare_life(t *testing.T) {
	script := filepath.Join(t.TempDir(), "worker.js")
	content := []byte("export default { fetch() {} }")
	testcheck.Error(t, os.WriteFile(script, content, 0o600))
	site, _ := newSite(t)
	for _, test := range []struct {
		kind    string
		in      property.Map
		outputs property.Map // the known ones
		changed property.Map
		within  string       // what an import's ID begins with; empty if nothing is imported
		read    property.Map // what an import has otherwise
		stays   bool         // it is a part of something else
	}{
		{
			kind: "workersScript:WorkersScript",
			in: inputs("accountId", account, "scriptName", "other", "mainModule", "worker.js", "contentFile", script, "contentSha256", hash(content), "compatibilityDate", "2026-01-01").
				Set("bindings", property.New([]property.Value{property.New(inputs("type", "plain_text", "name", "STACK", "text", "dev"))})),
		},
		{
			kind: "pagesProject:PagesProject", in: inputs("accountId", account, "name", "other", "productionBranch", "main"),
			changed: inputs("productionBranch", "trunk"), within: account,
		},
		{
			kind:    "workersScriptSubdomain:WorkersScriptSubdomain",
			in:      inputs("accountId", account, "scriptName", "api").Set("enabled", property.New(true)).Set("previewsEnabled", property.New(false)),
			changed: property.Map{}.Set("previewsEnabled", property.New(true)), within: account, stays: true,
		},
		{
			kind: "pagesDomain:PagesDomain", in: inputs("accountId", account, "projectName", "site", "name", "www.example.com"),
			outputs: inputs("status", "initializing", "zoneTag", zone), within: account + "/site",
		},
		{
			kind: recordType, in: record1, changed: inputs("content", "other.pages.dev"), within: zone, read: inputs("name", "www.example.com"),
		},
	} {
		t.Run(test.kind, func(t *testing.T) {
			urn := urnOf(test.kind)
			preview, err := site.Create(t.Context(), p.CreateRequest{Urn: urn, Properties: test.in, DryRun: true})
			if err != nil || !preview.Properties.Get("createdOn").IsComputed() && !test.stays {
				t.Errorf("the preview is %v, %v", preview, err)
			}
			made, err := site.Create(t.Context(), p.CreateRequest{Urn: urn, Properties: test.in})
			if err != nil {
				t.Fatal(err)
			}
			same(t, "the outputs", with(made.Properties, test.outputs.AsMap()), made.Properties)
			read := func(r p.ReadRequest) p.ReadResponse {
				t.Helper()
				r.Urn = urn
				read, err := site.Read(t.Context(), r)
				testcheck.Error(t, err)
				return read
			}
			refresh := p.ReadRequest{ID: made.ID, Inputs: test.in, Properties: made.Properties}
			same(t, "a refresh", test.in, read(refresh).Inputs)
			for _, key := range []string{"accountId", "zoneId"} {
				d, err := site.Diff(t.Context(), p.DiffRequest{Urn: urn, State: made.Properties, OldInputs: test.in, Inputs: test.in.Set(key, property.New("other"))})
				if _, has := test.in.GetOk(key); has && d.DetailedDiff[key].Kind != p.UpdateReplace || err != nil {
					t.Errorf("the diff of another %s is %v, %v", key, d, err)
				}
			}
			state, want := made.Properties, with(test.in, test.changed.AsMap())
			if test.changed.Len() > 0 {
				updated, err := site.Update(t.Context(), p.UpdateRequest{Urn: urn, ID: made.ID, Inputs: want, State: state})
				if err != nil {
					t.Fatal(err)
				}
				state = updated.Properties
			}
			if test.within != "" {
				got := read(p.ReadRequest{ID: test.within + "/" + made.ID})
				same(t, "an import after the update", with(want, test.read.AsMap()).Set("ID", property.New(made.ID)), got.Inputs.Set("ID", property.New(got.ID)))
			}
			testcheck.Error(t, site.Delete(t.Context(), p.DeleteRequest{Urn: urn, ID: made.ID, Properties: state}))
			if there := read(refresh).ID != ""; there != test.stays {
				t.Errorf("it is there: %v", there)
			}
		})
	}
}

func same(t *testing.T, what string, want, got property.Map) {
	t.Helper()
	if d := cmp.Diff(plain(want), plain(got)); d != "" {
		t.Errorf("%s (-want +have):\n%s", what, d)
	}
}

// Somebody else's change shows in a refresh, and an update takes back what the inputs lack.
func TestCloudflare_drift(t *testing.T) {
	site, api := newSite(t)
	urn := urnOf(recordType)
	made, err := site.Create(t.Context(), p.CreateRequest{Urn: urn, Properties: record1})
	if err != nil {
		t.Fatal(err)
	}
	api.Call("PUT", "/zones/"+zone+"/dns_records/"+made.ID, `{"name":"www","type":"CNAME","content":"other.pages.dev","ttl":1,"proxied":true,"comment":"made"}`)
	refreshed := func(in property.Map) property.Map {
		read, err := site.Read(t.Context(), p.ReadRequest{Urn: urn, ID: made.ID, Inputs: in, Properties: made.Properties})
		testcheck.Error(t, err)
		return read.Inputs
	}
	same(t, "a refresh", record1.Set("content", property.New("other.pages.dev")), refreshed(record1))
	in := record1.Delete("comment")
	if _, err := site.Update(t.Context(), p.UpdateRequest{Urn: urn, ID: made.ID, Inputs: in, State: made.Properties}); err != nil {
		t.Fatal(err)
	}
	same(t, "a refresh after the update", in, refreshed(in))
}

func TestCloudflare_refused(t *testing.T) {
	site, _ := newSite(t)
	_, err := site.Create(t.Context(), p.CreateRequest{Urn: urnOf(recordType), Properties: record1.Set("ttl", property.New(300.0))})
	testcheck.Error(t, err, "ttl must be set to 1")
	_, err = site.Read(t.Context(), p.ReadRequest{Urn: urnOf("pagesDomain:PagesDomain"), ID: "site/www.example.com"})
	testcheck.Error(t, err, "has not 3 parts")
}
