package fakedoppler_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"portfolio-infra/internal/sandbox/fakedoppler"
)

func TestCloud_Credentials(t *testing.T) {
	basic := func(user, password string) string {
		r := http.Request{Header: http.Header{}}
		r.SetBasicAuth(user, password)
		return r.Header.Get("Authorization")
	}
	for _, tt := range []struct {
		name, header string
		words        string
	}{
		{"bearer", "Bearer " + token, ""},
		{"basic", basic(token, ""), ""},
		{"none", "", "You must provide an auth token"},
		{"another", "Bearer " + token + "x", "Invalid Auth token"},
		{"another by basic", basic("dp.sa.x", ""), "Invalid Auth token"},
		{"with a password", basic(token, token), "Invalid Auth token"},
		{"as the password", basic("", token), "Invalid Auth token"},
		{"bare", token, "Invalid Auth token"},
		{"basic that is none", "Basic " + token, "Invalid Auth token"},
		{"two spaces", "Bearer  " + token, "Invalid Auth token"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := serve(t, &fakedoppler.Cloud{})
			c.head = http.Header{}
			if tt.header != "" {
				c.head.Set("Authorization", tt.header)
			}
			if tt.words != "" {
				c.refused("GET", "/v3/me", "", 401, tt.words)
				c.refused("GET", "/v3/nowhere", "", 401, tt.words)
				return
			}
			c.ok("GET", "/v3/me", "")
		})
	}
}

func TestCloud_NoToken(t *testing.T) {
	c := serve(t, &fakedoppler.Cloud{})
	c.cloud.Token = ""
	c.refused("GET", "/v3/me", "", 401, "Invalid Auth token")
	c.head.Set("Authorization", "Bearer ")
	c.refused("GET", "/v3/me", "", 401, "Invalid Auth token")
}

func TestCloud_Me(t *testing.T) {
	for _, tt := range []struct{ token, kind, preview string }{
		{"dp.ct.abcdef", "cli", "dp.ct...."}, {"dp.pt.abcdef", "personal", "dp.pt...."},
		{"dp.st.dev.abcdef", "service", "dp.st...."}, {"dp.sa.abcdef", "service_account", "dp.sa...."},
		{"anything", "service_account", "..."},
	} {
		res := serve(t, &fakedoppler.Cloud{Token: tt.token}).ok("GET", "/v3/me", "")
		if res.Type != tt.kind || res.Preview != tt.preview {
			t.Errorf("%s: %s", tt.token, res.body)
		}
	}
	serve(t, &fakedoppler.Cloud{}).refused("GET", "/v3/me?x=1", "", 400, `no parameter "x"`)
}

func TestCloud_NoRoute(t *testing.T) {
	c := serve(t, &fakedoppler.Cloud{})
	for _, tt := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/", 404}, {"GET", "/v3", 404}, {"GET", "/v3/projects", 404}, {"GET", one + "/", 404},
		{"GET", "/v3//me", 404}, {"GET", "/v3/x/../me", 404}, {"GET", "/v3%2Fme", 404},
		{"GET", "/v3/configs/config/secrets/download", 404},
		{"GET", many, 405}, {"PUT", many, 405}, {"DELETE", one, 405}, {"POST", "/v3/me", 405},
	} {
		c.refused(tt.method, tt.path, "", tt.status, "the emulator has no "+tt.method+" "+tt.path)
	}
}

func TestCloud_Projects(t *testing.T) {
	c := serve(t, &fakedoppler.Cloud{Projects: map[string][]string{"shop": {"stg"}}})
	for _, tt := range []struct {
		project, config string
		status          int
		words           string
	}{
		{"", "stg", 400, "You must specify a project"},
		{"shop", "", 400, "You must specify a config"},
		{"portfolio", "dev", 404, "Could not find requested project 'portfolio'"},
		{"shop", "dev", 404, "Could not find requested config 'dev'"},
		{"Shop", "stg", 404, "Could not find requested project 'Shop'"},
	} {
		c.refused("GET", fmt.Sprintf("%s?project=%s&config=%s&name=A", one, tt.project, tt.config), "", tt.status, tt.words)
		c.refused("POST", many, fmt.Sprintf(`{"project":%q,"config":%q,"change_requests":[{"name":"A","value":"1"}]}`,
			tt.project, tt.config), tt.status, tt.words)
	}
	c.ok("POST", many, `{"project":"shop","config":"stg","change_requests":[{"name":"A","value":"1"}]}`)
	if !c.cloud.Is("shop", "stg", "A", "1") {
		t.Error("it is not there")
	}
}

func TestCloud_BodyTooLong(t *testing.T) {
	c := serve(t, &fakedoppler.Cloud{})
	c.refused("POST", many, body("dev", `"name":"A","value":"`+strings.Repeat("x", 1<<20)+`"`), 413, "too large")
}

func TestCloud_Limit(t *testing.T) {
	for _, tt := range []struct {
		method, path, body string
		limit              int
	}{
		{"GET", "/v3/me", "", 240},
		{"GET", one + "?" + dev + "&name=A", "", 120},
		{"POST", many, body("dev", `"name":"A","value":"1"`), 60},
	} {
		t.Run(fmt.Sprint(tt.limit), func(t *testing.T) {
			c := serve(t, &fakedoppler.Cloud{})
			for i := range tt.limit {
				res := c.ok(tt.method, tt.path, tt.body)
				for name, want := range map[string]string{
					"X-Ratelimit-Limit": fmt.Sprint(tt.limit), "X-Ratelimit-Remaining": fmt.Sprint(tt.limit - i - 1),
					"X-Ratelimit-Reset": fmt.Sprint(time.Date(2026, 3, 4, 5, 7, 7, 0, time.UTC).Unix()), "Retry-After": "",
				} {
					if have := res.header.Get(name); have != want {
						t.Fatalf("call %d: %s is %q, want %q", i, name, have, want)
					}
				}
			}
			c.clock.move(20 * time.Second)
			res := c.do(tt.method, tt.path, tt.body)
			if res.status != 429 || res.header.Get("Retry-After") != "40" || res.header.Get("X-Ratelimit-Remaining") != "0" {
				t.Errorf("%d %v %s", res.status, res.header, res.body)
			}
			c.clock.move(40 * time.Second)
			c.ok(tt.method, tt.path, tt.body)
		})
	}
}

func TestCloud_AtOnce(t *testing.T) {
	c := serve(t, &fakedoppler.Cloud{File: t.TempDir() + "/doppler.json"})
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			name := fmt.Sprintf("S%d", i)
			c.change(`"name":"` + name + `","value":"` + name + `"`)
			if v := c.get(name); !is(v.Raw, name) {
				t.Errorf("%s: %v", name, v)
			}
			if !c.cloud.Is("portfolio", "dev", name, name) || len(c.cloud.Secrets()) == 0 {
				t.Errorf("%s is not there", name)
			}
		})
	}
	wg.Wait()
	if n := len(c.cloud.Secrets()); n != 20 {
		t.Errorf("there are %d secrets", n)
	}
}
