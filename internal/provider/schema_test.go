package provider_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"

	p "github.com/pulumi/pulumi-go-provider"

	"portfolio-infra/internal/provider"
)

var update = flag.Bool("update", false, "rewrite testdata/schema.json")

// The schema is the provider's interface: a change of it is shown by a test.
func TestSchema_golden(t *testing.T) {
	const golden = "testdata/schema.json"
	got, err := json.MarshalIndent(spec(t), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	if *update {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("the schema differs from %s; look at it and run the test with -update", golden)
	}
}

func spec(t *testing.T) map[string]any {
	t.Helper()
	resp, err := serve(t.Context(), t, provider.Options{}).GetSchema(p.GetSchemaRequest{})
	if err != nil {
		t.Fatal(err)
	}
	var spec map[string]any
	if err := json.Unmarshal([]byte(resp.Schema), &spec); err != nil {
		t.Fatal(err)
	}
	return spec
}

// dig walks into nested objects.
func dig(v any, path ...string) any {
	for _, key := range path {
		m, _ := v.(map[string]any)
		v = m[key]
	}
	return v
}

func TestSchema_secrets(t *testing.T) {
	for _, path := range []string{
		"config variables privateKey",
		"provider inputProperties privateKey",
		"resources tidbcloud:index:SqlUser properties password",
		"resources tidbcloud:index:Branch properties password",
		"resources tidbcloud:index:Database inputProperties password",
		"resources tidbcloud:index:Database properties password",
		"resources tidbcloud:index:Migrations inputProperties password",
		"resources tidbcloud:index:Migrations properties password",
	} {
		if dig(spec(t), append(strings.Fields(path), "secret")...) != true {
			t.Errorf("%s is not a secret", path)
		}
	}
}
