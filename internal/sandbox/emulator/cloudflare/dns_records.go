package cloudflare

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// DefaultZoneID is the account's only zone, example.com.
const (
	DefaultZoneID = "fedcba9876543210fedcba9876543210"
	zoneName      = "example.com"
)

func inZone(name string) bool { return name == zoneName || strings.HasSuffix(name, "."+zoneName) }

// record is a DNS record.
type record struct {
	ID       string         `json:"id"`
	Created  time.Time      `json:"created"`
	Modified time.Time      `json:"modified"`
	Name     string         `json:"name"`
	Type     string         `json:"type"`
	Content  string         `json:"content"`
	TTL      float64        `json:"ttl"`
	Proxied  bool           `json:"proxied"`
	Comment  any            `json:"comment"`
	Tags     []any          `json:"tags"`
	Settings map[string]any `json:"settings"`
}

// recordFields are the fields of a CNAME record. The Cloudflare provider sends back the tags
// and settings that it read.
// https://developers.cloudflare.com/api/resources/dns/subresources/records/methods/create/
var recordFields = fields{
	"name!": text, "content!": text,
	"type!":   must("CNAME, since no other type is emulated", func(s string) bool { return s == "CNAME" }),
	"ttl!":    must("1, or a number from 60 to 86400", func(n float64) bool { return n == 1 || n >= 60 && n <= 86400 }),
	"proxied": boolean, "comment": orNull(text), "tags": listOf(text),
	"settings": object(nullable(fields{"ipv4_only": boolean, "ipv6_only": boolean, "flatten_cname": boolean})),
}

// AddRecord adds somebody else's DNS record, of any type. The name has the zone.
func (c *Cloud) AddRecord(r Record) error {
	return c.update(func(s *state) error {
		s.Records = append(s.Records, record{ID: randomHex(16), Created: c.now(), Modified: c.now(),
			Name: r.Name, Type: r.Type, Content: r.Content, Proxied: r.Proxied, TTL: 1})
		return nil
	})
}

// withZone refuses any zone that is not the account's. The answer is assumed to be the same as
// for another account.
func withZone(h handler) handler {
	return func(c *call) (any, error) {
		switch zone := c.PathValue("zone"); {
		case zone == DefaultZoneID:
			return h(c)
		case !accountForm.MatchString(zone):
			return nil, refuse(http.StatusNotFound, codeNoRoute, noRouteMessage, c.URL.Path)
		default:
			return nil, refuse(http.StatusForbidden, 10000, "Authentication error")
		}
	}
}

// listRecords lists the records, or those of a name.
func listRecords(c *call) (any, error) {
	var found []record
	for _, r := range c.state.Records {
		if name := c.URL.Query().Get("name"); name == "" || name == r.Name {
			found = append(found, r)
		}
	}
	return list(c, found, 100, record.describe)
}

func createRecord(c *call) (any, error) {
	c.state.Records = append(c.state.Records, record{ID: randomHex(16), Created: c.now})
	return putRecord(c, len(c.state.Records)-1)
}

// withRecord passes the call's record to h, by its index.
func withRecord(h func(*call, int) (any, error)) handler {
	return withZone(func(c *call) (any, error) {
		i := slices.IndexFunc(c.state.Records, func(r record) bool { return r.ID == c.PathValue("record") })
		if i < 0 {
			return nil, refuse(http.StatusNotFound, 81044, "Record does not exist.")
		}
		return h(c, i)
	})
}

func getRecord(c *call, i int) (any, error) { return c.state.Records[i].describe(), nil }

// putRecord replaces a record. A field that the body lacks gets its default.
func putRecord(c *call, i int) (any, error) {
	body, err := c.body(recordFields)
	if err != nil {
		return nil, err
	}
	r := &c.state.Records[i]
	*r = record{
		ID: r.ID, Created: r.Created, Modified: c.now, Name: str(body, "name"), Type: str(body, "type"), Content: str(body, "content"),
		TTL: body["ttl"].(float64), Proxied: body["proxied"] == true, Comment: body["comment"], Settings: child(body, "settings"),
	}
	r.Tags, _ = body["tags"].([]any)
	if !inZone(r.Name) {
		r.Name += "." + zoneName
	}
	return r.describe(), c.checkSameName(*r)
}

func deleteRecord(c *call, i int) (any, error) {
	id := c.state.Records[i].ID
	c.state.Records = slices.Delete(c.state.Records, i, i+1)
	return map[string]any{"id": id}, nil
}

// checkSameName refuses a CNAME record that cannot exist beside another one of the same name.
// https://developers.cloudflare.com/dns/manage-dns-records/troubleshooting/records-with-same-name/
// Codes: https://github.com/favonia/cloudflare-ddns/issues/990,
// https://github.com/HermanMartinus/bearblog/issues/105
func (c *call) checkSameName(r record) error {
	for _, other := range c.state.Records {
		switch {
		case other.ID == r.ID || other.Name != r.Name || other.Type == "TXT":
		case other.Type == r.Type && other.Content == r.Content:
			return refuse(http.StatusBadRequest, 81058, "An identical record already exists.")
		default:
			return refuse(http.StatusBadRequest, 81053, "An A, AAAA, or CNAME record with that host already exists.")
		}
	}
	return nil
}

// describe returns the record as the API shows it.
func (r record) describe() map[string]any {
	settings, tags := r.Settings, r.Tags
	if settings == nil {
		settings = map[string]any{}
	}
	if tags == nil {
		tags = []any{}
	}
	return map[string]any{
		"id": r.ID, "name": r.Name, "type": r.Type, "content": r.Content, "proxiable": true, "proxied": r.Proxied,
		"ttl": r.TTL, "settings": settings, "meta": map[string]any{}, "comment": r.Comment, "tags": tags,
		"created_on": r.Created, "modified_on": r.Modified,
	}
}
