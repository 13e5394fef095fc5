package cloudflare

import (
	"encoding/json"
	"testing"
)

// Whatever a project has, one more property alters it, at the top and in an environment.
func FuzzProject_Altered(f *testing.F) {
	for _, seed := range []string{
		"null", "{}", "[]", "1", `{"deployment_configs":{}}`, `{"deployment_configs":{"production":null}}`, `{"deployment_configs":1}`,
		fresh, `{"created_on":"yesterday","deployment_configs":{"preview":{"limits":{"cpu_ms":1e999}}}}`, `{"Domains":["x"]}`, `{"":{"":{}}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var p Project
		if json.Unmarshal(b, &p) != nil || p.all == nil {
			return
		}
		_ = p.Altered("main")
		configs, _ := p.all["deployment_configs"].(map[string]any)
		if production, _ := configs["production"].(map[string]any); production != nil {
			production["zzz"] = "set"
			if p.Altered("main") == "" {
				t.Errorf("%q: a new property of production alters nothing", b)
			}
		}
		p.all["zzz"] = "set"
		if p.Altered("main") == "" {
			t.Errorf("%q: a new property alters nothing", b)
		}
	})
}
