package provider_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/property"

	"portfolio-infra/internal/provider"
	"portfolio-infra/internal/rest/resttest"
	"portfolio-infra/internal/testcheck"
)

var variables = []string{"TIDBCLOUD_PUBLIC_KEY", "TIDBCLOUD_PRIVATE_KEY", "TIDBCLOUD_SERVERLESS_ENDPOINT", "TIDBCLOUD_IAM_ENDPOINT"}

// Keys and endpoints come from the configuration, else from the environment.
func TestConfig_sources(t *testing.T) {
	type config = map[string]property.Value
	text := func(s string) property.Value { return property.New(s) }
	all := map[string]string{"TIDBCLOUD_PUBLIC_KEY": "ENV1", "TIDBCLOUD_PRIVATE_KEY": "env-secret", "TIDBCLOUD_SERVERLESS_ENDPOINT": "https://env.test/v1", "TIDBCLOUD_IAM_ENDPOINT": "https://iam.env.test"}
	without := func(names ...string) map[string]string {
		m := maps.Clone(all)
		maps.DeleteFunc(m, func(name, _ string) bool { return slices.Contains(names, name) })
		return m
	}
	for _, tt := range []struct {
		name    string
		config  config
		env     map[string]string
		host    string // that is called
		wantErr []string
	}{
		{"environment", nil, all, "env.test", nil},
		{"environment with white space", nil, map[string]string{"TIDBCLOUD_PUBLIC_KEY": " ENV1\n", "TIDBCLOUD_PRIVATE_KEY": "x\n", "TIDBCLOUD_SERVERLESS_ENDPOINT": " https://env.test/v1\n"}, "env.test", nil},
		{"configuration", config{"publicKey": text("C"), "privateKey": text("s"), "serverlessEndpoint": text("https://config.test")}, nil, "config.test", nil},
		{"configuration wins", config{"serverlessEndpoint": text("https://config.test")}, all, "config.test", nil},
		{"an empty one does not", config{"serverlessEndpoint": text("")}, all, "env.test", nil},
		{"default endpoint", nil, without("TIDBCLOUD_SERVERLESS_ENDPOINT", "TIDBCLOUD_IAM_ENDPOINT"), "serverless.tidbapi.com", nil},
		{"loopback", config{"serverlessEndpoint": text("http://127.0.0.1:8080/v1beta1")}, all, "127.0.0.1:8080", nil},
		{"no keys", nil, nil, "", []string{"no TiDB Cloud API key: set tidbcloud:publicKey (or the environment's TIDBCLOUD_PUBLIC_KEY) and tidbcloud:privateKey (or the environment's TIDBCLOUD_PRIVATE_KEY)", "API Keys"}},
		{"one key", nil, without("TIDBCLOUD_PRIVATE_KEY"), "", []string{"set tidbcloud:privateKey (or the environment's TIDBCLOUD_PRIVATE_KEY); create a key"}},
		{"plain http", config{"serverlessEndpoint": text("http://config.test")}, all, "", []string{"tidbcloud:serverlessEndpoint (or the environment's TIDBCLOUD_SERVERLESS_ENDPOINT) is invalid", "must begin with https://"}},
		{"all wrong at once", config{"serverlessEndpoint": text("config.test"), "iamEndpoint": text("http://config.test")}, nil, "",
			[]string{"tidbcloud:publicKey", "tidbcloud:privateKey", "tidbcloud:serverlessEndpoint", "tidbcloud:iamEndpoint"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, name := range variables {
				t.Setenv(name, tt.env[name])
			}
			host := ""
			transport := resttest.Transport(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				host = r.Host
				_, _ = w.Write([]byte("{}"))
			}))
			e := configured(t, nil, provider.Options{Transport: transport}, clusterType, tt.config)
			_, err := e.preview(db(nil))
			testcheck.Error(t, err, tt.wantErr...)
			if host != tt.host {
				t.Errorf("called %q", host)
			}
		})
	}
}

// A key from the environment never gets into the state. One from the configuration is a secret there.
func TestConfig_state(t *testing.T) {
	for _, name := range variables {
		t.Setenv(name, "https://from-the-environment.test")
	}
	s := serve(t.Context(), t, provider.Options{})
	resp, err := s.CheckConfig(p.CheckRequest{Inputs: inputs(map[string]any{"privateKey": "hunter2"})})
	if err != nil || len(resp.Failures) > 0 {
		t.Fatal(err, resp.Failures)
	}
	for key, value := range resp.Inputs.All {
		if strings.Contains(value.GoString(), "from-the-environment") {
			t.Errorf("%s holds %v", key, value)
		}
	}
	if !resp.Inputs.Get("privateKey").Secret() {
		t.Error("privateKey is not a secret")
	}
}

// Operations without a call need no keys.
func TestConfig_withoutKeys(t *testing.T) {
	withDB(db(nil), func(t *testing.T, c *cloud, e *engine) {
		bare := configured(t, c, provider.Options{}, clusterType, nil)
		bare.state = e.state
		bare.steps(db(nil), "same")
		bare.log.shows(bare.t, "warn", "using the recorded state of cluster", "tidbcloud:publicKey")
		bare.tryUp(db(map[string]any{"displayName": "another"}), "tidbcloud:publicKey")
		testcheck.Error(t, bare.delete(), "tidbcloud:publicKey")
		same(t, "calls", c.called(), nil)
	})(t)
}

// A change of the configuration shows and never replaces.
func TestConfig_Diff(t *testing.T) {
	keys := inputs(map[string]any{"publicKey": "A", "privateKey": "a", "serverlessEndpoint": "https://s.test"})
	none := property.Map{}
	all := []string{"privateKey update", "publicKey update", "serverlessEndpoint update"}
	for _, tt := range []struct {
		name     string
		old, new property.Map
		want     []string
	}{
		{"nothing", keys, keys, nil},
		{"now a secret", keys, keys.Set("privateKey", property.New("a").WithSecret(true)), nil},
		{"to the environment", keys, none, all},
		{"from the environment", none, keys, all},
		{"another key", keys, keys.Set("publicKey", property.New("B")).Set("privateKey", property.New("b")), all[:2]},
		{"another endpoint", none, inputs(map[string]any{"iamEndpoint": "https://i.test"}), []string{"iamEndpoint update"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := serve(t.Context(), t, provider.Options{})
			diff, err := s.DiffConfig(p.DiffRequest{ID: "1", State: tt.old, OldInputs: tt.old, Inputs: tt.new})
			if got := properties(diff); err != nil || !slices.Equal(got, tt.want) || diff.HasChanges != (len(tt.want) > 0) {
				t.Errorf("got %q, %+v, %v", got, diff, err)
			}
		})
	}
}

// A key that was removed from the configuration is not used any more.
func TestConfig_Diff_forgets(t *testing.T) {
	for _, name := range variables {
		t.Setenv(name, "")
	}
	s := serve(t.Context(), t, provider.Options{})
	old := inputs(map[string]any{"publicKey": "A", "privateKey": "a"})
	checked, err := s.CheckConfig(p.CheckRequest{Inputs: property.Map{}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.DiffConfig(p.DiffRequest{ID: "1", State: old, OldInputs: old, Inputs: checked.Inputs}); err != nil {
		t.Fatal(err)
	}
	if err := s.Configure(p.ConfigureRequest{Args: checked.Inputs}); err != nil {
		t.Fatal(err)
	}
	e := &engine{Server: s, t: t, typ: clusterType}
	_, err = e.preview(db(nil))
	testcheck.Error(t, err, "no TiDB Cloud API key")
}
