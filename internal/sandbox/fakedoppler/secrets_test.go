package fakedoppler_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"portfolio-infra/internal/sandbox/fakedoppler"
)

func TestSecret_Life(t *testing.T) {
	c := serve(t, &fakedoppler.Cloud{})
	begin := c.clock.Now()

	if v := c.get("DATABASE_URL"); v != (value{}) {
		t.Errorf("what is not there has a value: %+v", v)
	}
	// The very changes that the provider sends.
	made := c.change(`"originalName":"DATABASE_URL","name":"DATABASE_URL","value":"` + secret + `","shouldDelete":false,"visibility":"masked"`)
	if v := made.Secrets["DATABASE_URL"]; !is(v.Raw, secret) || !is(v.Visibility, "masked") {
		t.Errorf("making it answers %s", made.body)
	}
	v := c.get("DATABASE_URL")
	if !is(v.Raw, secret) || !is(v.Computed, secret) || !is(v.Note, "") || !is(v.Visibility, "masked") || (*v.Type)["type"] != "string" {
		t.Errorf("reading it answers %+v", v)
	}
	if !c.cloud.Is("portfolio", "dev", "DATABASE_URL", secret) || c.cloud.Is("portfolio", "dev", "DATABASE_URL", "x") ||
		c.cloud.Is("portfolio", "prd", "DATABASE_URL", secret) {
		t.Error("it is not known by its value")
	}

	c.clock.move(time.Minute)
	c.change(`"name":"DATABASE_URL","value":"` + secret + `","visibility":"masked","valueType":{"type":"string"}`)
	if s := c.cloud.Secrets(); len(s) != 1 || !s[0].Updated.Equal(begin) {
		t.Errorf("the same again is a change: %+v", s)
	}
	c.change(`"name":"DATABASE_URL","value":null,"visibility":"unmasked"`)
	want := fakedoppler.Secret{Project: "portfolio", Config: "dev", Name: "DATABASE_URL", Visibility: "unmasked", Updated: c.clock.Now()}
	if s := c.cloud.Secrets(); !slices.Equal(s, []fakedoppler.Secret{want}) {
		t.Errorf("have %+v, want %+v", s, want)
	}
	c.change(`"name":"DATABASE_URL","value":""`)
	if v := c.get("DATABASE_URL"); !is(v.Raw, "") || !is(v.Visibility, "unmasked") {
		t.Errorf("an empty value is %+v", v)
	}
	for range 2 { // what is gone may be deleted
		c.change(`"originalName":"DATABASE_URL","name":"DATABASE_URL","value":null,"shouldDelete":true`)
	}
	if v, s := c.get("DATABASE_URL"), c.cloud.Secrets(); v != (value{}) || len(s) != 0 {
		t.Errorf("what was deleted is there: %+v %+v", v, s)
	}
}

func TestSecret_Rename(t *testing.T) {
	c := serve(t, &fakedoppler.Cloud{})
	c.change(`"name":"OLD","value":"` + secret + `","visibility":"unmasked"`)
	c.change(`"name":"TAKEN","value":"1"`)
	c.refused("POST", many, body("dev", `"originalName":"OLD","name":"TAKEN","value":"2"`), 400, `"TAKEN" is taken`)
	c.refused("POST", many, body("dev", `"originalName":"NONE","name":"NEW","value":"2"`), 404, "Could not find requested secret 'NONE'")
	c.change(`"originalName":"OLD","name":"NEW","value":null`)
	if v := c.get("NEW"); !is(v.Raw, secret) || !is(v.Visibility, "unmasked") {
		t.Errorf("it is now %+v", v)
	}
	if v := c.get("OLD"); v != (value{}) {
		t.Errorf("the old one is there: %+v", v)
	}
}

// A config has its own secrets, and a call that is refused in its second change
// makes no first.
func TestSecret_Configs(t *testing.T) {
	c := serve(t, &fakedoppler.Cloud{})
	c.change(`"name":"A","value":"1"`)
	c.ok("POST", many, body("prd", `"name":"A","value":"2"`))
	res := c.ok("POST", many, body("prd", `"name":"B","value":"3"`))
	if len(res.Secrets) != 2 || !is(res.Secrets["A"].Raw, "2") || !is(res.Secrets["B"].Raw, "3") {
		t.Errorf("the config has %s", res.body)
	}
	c.refused("POST", many, body("dev", `"name":"A","value":"9"},{"name":"bad","value":"9"`), 400, `"bad"`)
	if v := c.get("A"); !is(v.Raw, "1") {
		t.Errorf("half of it was done: %+v", v)
	}
}

func TestSecret_Refused(t *testing.T) {
	c := serve(t, &fakedoppler.Cloud{})
	for _, tt := range []struct{ name, words string }{
		{"", "You must specify a name"},
		{"MOO_COWx", `Secret name "MOO_COWx" may only contain uppercase letters, numbers, and underscores.`},
		{"A-B", "may only contain"}, {"A.B", "may only contain"}, {"Ä", "may only contain"},
		{"1A", `Secret name "1A" may not start with a number`},
		{"DOPPLER_PROJECT", "is reserved"},
	} {
		c.refused("GET", one+"?"+dev+"&name="+tt.name, "", 400, tt.words)
		c.refused("POST", many, body("dev", `"name":"`+tt.name+`","value":"1"`), 400, tt.words)
		if tt.name != "" {
			c.refused("POST", many, body("dev", `"name":"A","originalName":"`+tt.name+`","value":"1"`), 400, tt.words)
		}
	}
	for _, tt := range []struct{ query, words string }{
		{"", "You must specify a project"},
		{"?" + dev, "You must specify a name"},
		{"?" + dev + "&name=A&name=B", `"name" comes twice`},
		{"?" + dev + "&name=A&include=1", `no parameter "include"`},
		{"?" + dev + "&name=%zz", "cannot be read"},
		{"?" + dev + ";name=A", "cannot be read"},
	} {
		c.refused("GET", one+tt.query, "", 400, tt.words)
	}
	for _, tt := range []struct{ body, words string }{
		{"", "EOF"}, {"null", "You must specify a project"}, {"[]", "cannot unmarshal array"},
		{body("dev", `"name":"A","value":"1"`) + "{}", "more than one JSON value"},
		{`{"project":"portfolio","config":"dev"}`, "there must be one at least"},
		{`{"project":"portfolio","config":"dev","secrets":{"A":"1"}}`, `unknown field "secrets"`},
		{body("dev", `"name":"A","value":"1","shouldPromote":true`), `unknown field "shouldPromote"`},
		{body("dev", `"name":"A","value":1`), "cannot unmarshal number"},
		{body("dev", `"name":"A","value":"1","visibility":"public"`), "must be one of masked, unmasked, restricted"},
		{body("dev", `"name":"A","value":"1","visibility":""`), "must be one of masked, unmasked, restricted"},
		{body("dev", `"name":"A","value":"1","valueType":{"type":"json"}`), "the type string only"},
		{body("dev", `"name":"A","value":null`), "a new secret must have one"},
		{body("dev", `"name":"A","value":"${USER}@db"`), "does not resolve references"},
		{body("dev", `"name":"A","value":"${other.dev.USER}"`), "does not resolve references"},
	} {
		c.refused("POST", many, tt.body, 400, tt.words)
	}
	c.refused("POST", many+"?"+dev, body("dev", `"name":"A","value":"1"`), 400, "no parameter")
	c.change(`"name":"A","value":"a $ and a { and ${ no name }"`)
}

// A restricted value is told to a machine's token and to no person's.
func TestSecret_Restricted(t *testing.T) {
	for token, told := range map[string]bool{
		"dp.st.dev.x": true, "dp.sa.x": true, "dp.said.x": true, "anything": true, "dp.pt.x": false, "dp.ct.x": false,
	} {
		c := serve(t, &fakedoppler.Cloud{Token: token})
		res := c.change(`"name":"A","value":"` + secret + `","visibility":"restricted"`)
		for _, v := range []value{res.Secrets["A"], c.get("A")} {
			if is(v.Raw, secret) != told || is(v.Computed, secret) != told || !is(v.Visibility, "restricted") {
				t.Errorf("%s: %+v", token, v)
			}
		}
		c.change(`"name":"A","value":null,"visibility":"masked"`)
		if v := c.get("A"); !is(v.Raw, secret) {
			t.Errorf("%s: what is masked is told to anyone, and this is %+v", token, v)
		}
	}
}

// What is refused is not repeated.
func TestSecret_NotInErrors(t *testing.T) {
	c := serve(t, &fakedoppler.Cloud{})
	for _, members := range []string{
		`"name":"a","value":"` + secret + `"`,
		`"name":"A","value":"` + secret + `${X}"`,
		`"name":"A","value":"` + secret + `","visibility":"none"`,
		`"name":"A","value":"` + secret + `","extra":1`,
		`"name":"A","value":["` + secret + `"]`,
	} {
		if res := c.do("POST", many, body("dev", members)); res.status != 400 || strings.Contains(res.body, "hunter2") {
			t.Errorf("%s: %d %s", members, res.status, res.body)
		}
	}
}
