package stack

import (
	"encoding/json"
	"net/http"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"portfolio-infra/internal/cloudflare"
	"portfolio-infra/internal/sandbox/emulator/cloudflare/cloudflaretest"
)

// What others set on the Worker is an input, and what an upload gives by itself is none.
func TestRun_takeOver(t *testing.T) {
	const on = `"observability":{"enabled":true}`
	for name, test := range map[string]struct{ live, want string }{
		"nothing":                             {`{}`, `{` + on + `}`},
		"the defaults":                        {`{"limits":{},"logpush":false,"placement":{},"tail_consumers":[],"usage_model":"standard",` + on + `}`, `{` + on + `}`},
		"no observability":                    {`{"observability":{"enabled":false}}`, `{` + on + `}`},
		"limits":                              {`{"limits":{"cpu_ms":50}}`, `{"limits":{"cpuMs":50},` + on + `}`},
		"logpush":                             {`{"logpush":true}`, `{"logpush":true,` + on + `}`},
		"placement":                           {`{"placement":{"mode":"smart"}}`, `{"placement":{"mode":"smart"},` + on + `}`},
		"placement that the provider has not": {`{"placement":{"mode":"targeted","region":"aws:us-east-1"}}`, `{` + on + `}`},
		"tail consumers": {`{"tail_consumers":[{"service":"b"},{"service":"a","environment":"production"}]}`,
			`{"tailConsumers":[{"service":"a","environment":"production"},{"service":"b"}],` + on + `}`},
		"usage model": {`{"usage_model":"bundled"}`, `{"usageModel":"bundled",` + on + `}`},
		"sampling":    {`{"observability":{"enabled":true,"head_sampling_rate":0.5}}`, `{"observability":{"enabled":true,"headSamplingRate":0.5}}`},
		"logs as in the dashboard": {`{"observability":{"enabled":true,"head_sampling_rate":1,"logs":{"enabled":true,"invocation_logs":false,"head_sampling_rate":0.1}}}`,
			`{"observability":{"enabled":true,"headSamplingRate":1,"logs":{"enabled":true,"invocationLogs":false,"headSamplingRate":0.1}}}`},
		"all switched off": {`{"observability":{"enabled":false,"logs":{"enabled":false,"invocation_logs":true,"persist":false}}}`,
			`{"observability":{"enabled":true,"logs":{"enabled":true,"invocationLogs":true,"persist":false}}}`},
		"only the logs switched off": {`{"observability":{"enabled":true,"logs":{"enabled":false,"invocation_logs":true,"persist":true}}}`,
			`{"observability":{"enabled":true,"logs":{"enabled":false,"invocationLogs":true}}}`},
		"traces": {`{"observability":{"enabled":true,"logs":null,"traces":{"enabled":true,"destinations":["d"],"persist":null}}}`,
			`{"observability":{"enabled":true,"traces":{"enabled":true,"destinations":["d"]}}}`},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAccount(t)
			a.UploadWorker("portfolio-dev-api", "")
			a.UploadWorker("a", "")
			a.UploadWorker("b", "")
			a.Form(http.MethodPatch, "/workers/scripts/portfolio-dev-api/settings", cloudflaretest.Part("settings", "application/json", test.live))
			have := plainInputs(a.up(nil)["portfolio-dev-api"])
			for key := range have {
				if !slices.Contains(takenOver, resource.PropertyKey(key)) {
					delete(have, key)
				}
			}
			var want map[string]any
			if err := json.Unmarshal([]byte(test.want), &want); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, have); diff != "" {
				t.Errorf("inputs (-want +got):\n%s", diff)
			}
		})
	}
}

// What the provider cannot set is named, and nothing else.
func TestUnsettable(t *testing.T) {
	for live, want := range map[string][]string{
		`{}`: nil,
		`{"placement":{"mode":"smart"},"tags":[],"observability":{"enabled":true,"traces":{"enabled":true}}}`: nil,
		`{"placement":{"mode":"targeted","host":"db:3306"},"tags":["a"],"streaming_tail_consumers":[{}],
			"observability":{"enabled":true,"redact_query_string":true,"traces":{"propagation_policy":"accept"}}}`: {
			"observability.redact_query_string", "observability.traces.propagation_policy", "placement (targeted)", "streaming_tail_consumers", "tags"},
	} {
		var s cloudflare.ScriptSettings
		if err := json.Unmarshal([]byte(live), &s); err != nil {
			t.Fatal(err)
		}
		if have := unsettable(s); !slices.Equal(have, want) {
			t.Errorf("%s: %q, want %q", live, have, want)
		}
	}
}
