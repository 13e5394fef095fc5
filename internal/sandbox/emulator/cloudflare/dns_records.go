package cloudflare

import (
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// DefaultZoneID is the zone example.com, the default of [Cloud.Zones].
const DefaultZoneID = "fedcba9876543210fedcba9876543210"

// zones returns the names of the account's zones by ID.
func (c *Cloud) zones() map[string]string {
	if c.Zones != nil {
		return c.Zones
	}
	return map[string]string{DefaultZoneID: "example.com"}
}

// zoneOf returns the zone that a name belongs to.
func (c *Cloud) zoneOf(name string) (id string, ok bool) {
	for id, zone := range c.zones() {
		if name == zone || strings.HasSuffix(name, "."+zone) {
			return id, true
		}
	}
	return "", false
}

// record is a DNS record.
type record struct {
	ID       string         `json:"id"`
	Zone     string         `json:"zone"`
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

// recordFields are the fields of a record of any emulated type.
// https://developers.cloudflare.com/api/resources/dns/subresources/records/methods/create/
var recordFields = fields{
	"name": text, "type": oneOf("A", "AAAA", "CNAME", "TXT"), "content": text,
	"ttl":     must("1, or a number from 60 to 86400", func(n float64) bool { return n == 1 || n >= 60 && n <= 86400 }),
	"proxied": boolean, "comment": orNull(text), "tags": listOf(text),
	"settings": object(nullable(fields{"ipv4_only": boolean, "ipv6_only": boolean, "flatten_cname": boolean})),
}

// wholeRecord are the fields of a record that is created or replaced.
var wholeRecord = func() fields {
	fs := maps.Clone(recordFields)
	for _, name := range []string{"name", "type", "content", "ttl"} {
		fs[name+"!"] = fs[name]
		delete(fs, name)
	}
	return fs
}()

// withZone refuses any zone that is not the account's. The answer is assumed to be the same as
// for another account.
func withZone(h handler) handler {
	return func(c *call) (any, error) {
		switch zone := c.PathValue("zone"); {
		case c.cloud.zones()[zone] != "":
			return h(c)
		case !accountForm.MatchString(zone):
			return nil, refuse(http.StatusNotFound, codeNoRoute, noRouteMessage, c.URL.Path)
		default:
			return nil, refuse(http.StatusForbidden, 10000, "Authentication error")
		}
	}
}

// listRecords lists a zone's records, by name, type and content.
func listRecords(c *call) (any, error) {
	query := c.URL.Query()
	var found []record
	for _, r := range c.state.Records {
		has := func(key, value string) bool {
			return (!query.Has(key) || query.Get(key) == value) && (!query.Has(key+".exact") || query.Get(key+".exact") == value)
		}
		if r.Zone == c.PathValue("zone") && has("name", r.Name) && has("type", r.Type) && has("content", r.Content) {
			found = append(found, r)
		}
	}
	return list(c, found, 100, record.describe)
}

func createRecord(c *call) (any, error) {
	r := record{ID: randomHex(16), Zone: c.PathValue("zone"), Created: c.now}
	if err := c.setRecord(&r, wholeRecord); err != nil {
		return nil, err
	}
	c.state.Records = append(c.state.Records, r)
	return r.describe(), nil
}

// withRecord passes the call's record to h.
func withRecord(h func(*call, int) (any, error)) handler {
	return withZone(func(c *call) (any, error) {
		i := slices.IndexFunc(c.state.Records, func(r record) bool {
			return r.Zone == c.PathValue("zone") && r.ID == c.PathValue("record")
		})
		if i < 0 {
			return nil, refuse(http.StatusNotFound, 81044, "Record does not exist.")
		}
		return h(c, i)
	})
}

func getRecord(c *call, i int) (any, error) { return c.state.Records[i].describe(), nil }

// putRecord replaces a record. A field that the body lacks gets its default.
func putRecord(c *call, i int) (any, error) {
	r := &c.state.Records[i]
	*r = record{ID: r.ID, Zone: r.Zone, Created: r.Created}
	if err := c.setRecord(r, wholeRecord); err != nil {
		return nil, err
	}
	return r.describe(), nil
}

func patchRecord(c *call, i int) (any, error) {
	r := &c.state.Records[i]
	if err := c.setRecord(r, recordFields); err != nil {
		return nil, err
	}
	return r.describe(), nil
}

func deleteRecord(c *call, i int) (any, error) {
	id := c.state.Records[i].ID
	c.state.Records = slices.Delete(c.state.Records, i, i+1)
	return map[string]any{"id": id}, nil
}

// setRecord sets a record from the body, which has these fields.
func (c *call) setRecord(r *record, fs fields) error {
	body, err := c.body(fs)
	if err != nil {
		return err
	}
	for name, field := range map[string]*string{"name": &r.Name, "type": &r.Type, "content": &r.Content} {
		if v, ok := body[name].(string); ok {
			*field = v
		}
	}
	if v, ok := body["ttl"].(float64); ok {
		r.TTL = v
	}
	if v, ok := body["proxied"].(bool); ok {
		r.Proxied = v
	}
	if v, ok := body["comment"]; ok {
		r.Comment = v
	}
	if v, ok := body["tags"].([]any); ok {
		r.Tags = v
	}
	if v := child(body, "settings"); v != nil {
		r.Settings = v
	}
	if r.Proxied {
		r.TTL = 1 // automatic
	}
	r.Modified = c.now
	zone := c.cloud.zones()[r.Zone]
	r.Name = strings.TrimSuffix(strings.ToLower(r.Name), ".")
	switch {
	case r.Name == "@":
		r.Name = zone
	case r.Name != zone && !strings.HasSuffix(r.Name, "."+zone):
		r.Name += "." + zone
	}
	if err := r.checkContent(); err != nil {
		return err
	}
	return c.checkSameName(*r)
}

// checkContent refuses content that is not of the record's type. The codes and texts are
// assumed.
func (r record) checkContent() error {
	address, err := netip.ParseAddr(r.Content)
	isAddress := err == nil
	ok := true
	switch r.Type {
	case "A":
		ok = isAddress && address.Is4()
	case "AAAA":
		ok = isAddress && address.Is6()
	case "CNAME":
		ok = !isAddress && domainName.MatchString(strings.ToLower(strings.TrimSuffix(r.Content, "."))) && r.Content != r.Name
	}
	if !ok || r.Content == "" {
		return refuse(http.StatusBadRequest, 9009, "Content for %s record is invalid.", r.Type)
	}
	if r.Proxied && !r.proxiable() {
		return refuse(http.StatusBadRequest, 9004, "This record type cannot be proxied.")
	}
	return nil
}

func (r record) proxiable() bool { return r.Type != "TXT" }

// checkSameName refuses a record that cannot exist beside another one of the same name.
// https://developers.cloudflare.com/dns/manage-dns-records/troubleshooting/records-with-same-name/
// Codes: https://github.com/favonia/cloudflare-ddns/issues/990,
// https://github.com/HermanMartinus/bearblog/issues/105, https://github.com/jeessy2/ddns-go/issues/1378
func (c *call) checkSameName(r record) error {
	for _, other := range c.state.Records {
		if other.ID == r.ID || other.Zone != r.Zone || other.Name != r.Name {
			continue
		}
		switch {
		case other.Type == r.Type && other.Content == r.Content:
			return refuse(http.StatusBadRequest, 81058, "An identical record already exists.")
		case r.Type == "CNAME" && other.Type != "TXT":
			return refuse(http.StatusBadRequest, 81053, "An A, AAAA, or CNAME record with that host already exists.")
		case r.Type != "TXT" && other.Type == "CNAME":
			return refuse(http.StatusBadRequest, 81054, "A CNAME record with that host already exists.")
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
		"id": r.ID, "name": r.Name, "type": r.Type, "content": r.Content, "proxiable": r.proxiable(), "proxied": r.Proxied,
		"ttl": r.TTL, "settings": settings, "meta": map[string]any{}, "comment": r.Comment, "tags": tags,
		"created_on": r.Created, "modified_on": r.Modified,
	}
}
