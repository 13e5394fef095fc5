package cloudflare

import (
	"maps"
	"net/http"
)

// postVersion uploads a version. It runs once it is deployed.
func postVersion(c *call, s *script) (any, error) {
	v, err := c.readVersion(s)
	if err != nil {
		return nil, err
	}
	s.Uploaded = &v
	return map[string]any{
		"id": v.ID, "startup_time_ms": 2,
		"resources": map[string]any{"script": map[string]any{"etag": v.Etag}},
	}, nil
}

// listVersionDeployments shows the last deployment of a version, which is what wrangler reads.
func listVersionDeployments(_ *call, s *script) (any, error) {
	return map[string]any{"deployments": []any{s.describeDeployment()}}, nil
}

// describeDeployment has what wrangler reads.
// https://developers.cloudflare.com/api/resources/workers/subresources/scripts/subresources/deployments/
func (s *script) describeDeployment() map[string]any {
	return map[string]any{
		"id": s.ID, "created_on": s.Modified, "source": s.From, "strategy": "percentage",
		"versions": []any{map[string]any{"version_id": s.ID, "percentage": 100}},
	}
}

// unversioned are the settings that belong to the Worker, and not to a version.
// https://github.com/cloudflare/workers-sdk/blob/main/packages/deploy-helpers/src/deploy/helpers/versions-api.ts
var unversioned = []string{"logpush", "tags", "tail_consumers", "observability"}

// deployVersion deploys the version that was uploaded last. No other is kept.
func deployVersion(c *call, s *script) (any, error) {
	body, err := c.body(fields{
		"strategy!":   oneOf("percentage"),
		"versions!":   listOf(object(fields{"version_id!": text, "percentage!": oneNumber(100)})),
		"annotations": object(fields{"workers/message": text}), "code_update_strategy": anyObject,
	})
	if err != nil {
		return nil, err
	}
	versions := body["versions"].([]any)
	if len(versions) != 1 {
		return nil, invalid("versions: the emulator deploys one version")
	}
	id := str(versions[0].(map[string]any), "version_id")
	if s.Uploaded == nil || s.Uploaded.ID != id {
		return nil, refuse(http.StatusNotFound, codeUnknown, "The emulator keeps the version that was uploaded last, and not %s.", id)
	}
	v := *s.Uploaded
	v.Settings = maps.Clone(v.Settings)
	for _, name := range unversioned {
		delete(v.Settings, name)
		if value, ok := s.Settings[name]; ok {
			v.Settings[name] = value
		}
	}
	s.run(c, v)
	return s.describeDeployment(), nil
}

// patchScriptSettings changes the settings in unversioned.
func patchScriptSettings(c *call, s *script) (any, error) {
	fs := fields{"streaming_tail_consumers": orNull(listOf(anyObject))}
	for _, name := range unversioned {
		fs[name] = orNull(settingFields[name])
	}
	body, err := c.body(fs)
	if err != nil {
		return nil, err
	}
	s.set(body)
	out := map[string]any{}
	for name := range fs {
		out[name] = s.Settings[name]
	}
	return out, nil
}
