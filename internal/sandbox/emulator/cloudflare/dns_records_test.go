package cloudflare_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"portfolio-infra/internal/sandbox/emulator/cloudflare"
)

const records = "/zones/" + cloudflare.DefaultZoneID + "/dns_records"

func TestDNSRecord(t *testing.T) {
	now := morning
	c := newClient(t, &cloudflare.Cloud{Now: func() time.Time { return now }})
	r := c.must("POST", records, `{"name":"www","type":"CNAME","content":"site.pages.dev","ttl":1,"proxied":true,
		"comment":"made","tags":["a:b"],"settings":{"flatten_cname":false}}`)
	id := r["id"].(string)
	takeIDs(t, r, map[string]int{"id": 32})
	same(t, "the record", any(r), `{
		"name": "www.example.com", "type": "CNAME", "content": "site.pages.dev", "ttl": 1, "proxied": true, "proxiable": true,
		"comment": "made", "tags": ["a:b"], "settings": {"flatten_cname": false}, "meta": {},
		"created_on": "2026-03-04T05:06:07.00089Z", "modified_on": "2026-03-04T05:06:07.00089Z"
	}`)
	now = now.Add(time.Second)
	put := c.must("PUT", records+"/"+id, `{"name":"www.example.com","type":"CNAME","content":"other.pages.dev","ttl":300}`)
	same(t, "the record after a PUT", any(put), `{
		"id": "`+id+`", "name": "www.example.com", "type": "CNAME", "content": "other.pages.dev", "ttl": 300, "proxied": false,
		"proxiable": true, "comment": null, "tags": [], "settings": {}, "meta": {},
		"created_on": "2026-03-04T05:06:07.00089Z", "modified_on": "2026-03-04T05:06:08.00089Z"
	}`)
	if diff := cmp.Diff(any(put), c.get(records+"/"+id)); diff != "" {
		t.Errorf("it is read differently (-put +read):\n%s", diff)
	}
	c.addRecord("TXT", "www.example.com", "theirs")
	c.must("POST", records, `{"name":"example.com","type":"CNAME","content":"site.pages.dev","ttl":1}`)
	for query, want := range map[string][]string{
		"":                      {"www.example.com", "www.example.com", "example.com"},
		"?name=www.example.com": {"www.example.com", "www.example.com"},
		"?name=x.example.com":   {},
	} {
		if diff := cmp.Diff(want, each(c.get(records+query), "name")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", query, diff)
		}
	}
	same(t, "the answer to DELETE", any(c.must("DELETE", records+"/"+id, nil)), `{"id":"`+id+`"}`)
	if diff := cmp.Diff([]string{"theirs", "site.pages.dev"}, each(c.get(records), "content")); diff != "" {
		t.Errorf("what is left (-want +got):\n%s", diff)
	}
}

// addRecord adds somebody else's record.
func (c *client) addRecord(kind, name, content string) {
	c.t.Helper()
	if err := c.cloud.AddRecord(cloudflare.Record{Name: name, Type: kind, Content: content}); err != nil {
		c.t.Fatal(err)
	}
}

func TestDomain(t *testing.T) {
	c := newClient(t, &cloudflare.Cloud{})
	c.project("site")
	domains := projects + "/site/domains"
	c.deploy("")
	d := c.must("POST", domains, `{"name":"www.example.com"}`)
	id := d["id"].(string)
	same(t, "a new domain", any(d), `{
		"id": "`+id+`", "domain_id": "`+id+`", "name": "www.example.com", "status": "initializing",
		"created_on": "2026-03-04T05:06:07.00089Z", "zone_tag": "`+cloudflare.DefaultZoneID+`",
		"verification_data": {"status": "pending"}, "validation_data": {"status": "initializing", "method": "http"},
		"certificate_authority": "google"
	}`)
	c.must("POST", domains, `{"name":"example.org"}`)
	p := c.get(projects + "/site")
	same(t, "the project's domains", dig(p, "domains"), `["site.pages.dev","www.example.com","example.org"]`)
	same(t, "the aliases", dig(p, "canonical_deployment", "aliases"), `["https://www.example.com","https://example.org"]`)

	c.must("POST", records, `{"name":"www","type":"CNAME","content":"site.pages.dev","ttl":1,"proxied":true}`)
	same(t, "the status with a record", dig(c.get(domains+"/www.example.com"), "status"), `"active"`)
	same(t, "the status elsewhere", dig(c.get(domains+"/example.org"), "status"), `"initializing"`)

	c.must("DELETE", domains+"/www.example.com", nil)
	c.must("DELETE", domains+"/example.org", nil)
	c.must("DELETE", projects+"/site", nil)
}
