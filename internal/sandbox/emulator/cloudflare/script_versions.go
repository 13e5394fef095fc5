package cloudflare

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

const (
	// maxVersions is how many versions of a Worker can be redeployed.
	// https://developers.cloudflare.com/changelog/2025-09-11-increased-version-rollback-limit/
	maxVersions = 100
	// maxScriptDeployments is how many deployments are listed.
	// https://github.com/cloudflare/workers-sdk/blob/main/packages/wrangler/src/versions/deployments/list.ts
	maxScriptDeployments = 10
)

// version is a Worker's code with its bindings and settings.
type version struct {
	ID          string           `json:"id"`
	Number      int              `json:"number"`
	Created     time.Time        `json:"created"`
	From        string           `json:"from"`
	Annotations map[string]any   `json:"annotations"`
	Settings    map[string]any   `json:"settings"`
	Bindings    []map[string]any `json:"bindings"`
	Handlers    []string         `json:"handlers"`
	Etag        string           `json:"etag"`
	// Code is the key under which the code is stored.
	Code string `json:"code"`
}

// scriptDeployment is a deployment, which makes a version the one that runs.
type scriptDeployment struct {
	ID          string         `json:"id"`
	Created     time.Time      `json:"created"`
	From        string         `json:"from"`
	Annotations map[string]any `json:"annotations"`
	Version     string         `json:"version"`
}

// unversioned are the settings that belong to the Worker, and not to a version.
// https://github.com/cloudflare/workers-sdk/blob/main/packages/deploy-helpers/src/deploy/helpers/versions-api.ts
var unversioned = []string{"logpush", "tags", "tail_consumers", "observability"}

// newVersion adds a version: the Worker as it is now.
func (s *script) newVersion(c *call, trigger string) (version, error) {
	text, err := json.Marshal(s.code)
	if err != nil {
		return version{}, err
	}
	key, err := c.cloud.blobs.add(text)
	if err != nil {
		return version{}, fmt.Errorf("storing the code: %w", err)
	}
	annotations := map[string]any{"workers/triggered_by": trigger}
	maps.Copy(annotations, child(s.Settings, "annotations"))
	s.Made++
	v := version{
		ID: newUUID(), Number: s.Made, Created: c.now, From: c.client(), Annotations: annotations,
		Settings: s.Settings, Bindings: s.Bindings, Handlers: s.handlers(), Etag: s.Etag, Code: key,
	}
	s.Versions = append(s.Versions, v)
	s.Versions = s.Versions[max(0, len(s.Versions)-maxVersions):]
	return v, nil
}

// deployed records that a version runs.
func (s *script) deployed(c *call, v version, annotations map[string]any) scriptDeployment {
	d := scriptDeployment{ID: newUUID(), Created: c.now, From: c.client(), Annotations: annotations, Version: v.ID}
	s.Deployments = append(s.Deployments, d)
	s.Deployments = s.Deployments[max(0, len(s.Deployments)-maxScriptDeployments):]
	s.Modified, s.From, s.Version = c.now, d.From, strings.ReplaceAll(v.ID, "-", "")
	return d
}

func postVersion(c *call, s *script) (any, error) {
	metadata, modules, err := c.form("metadata", uploadFields)
	if err != nil {
		return nil, err
	}
	next := *s
	if err := next.setCode(metadata, modules); err != nil {
		return nil, err
	}
	if next.Bindings, err = c.bind(&next, s.Bindings, metadata); err != nil {
		return nil, err
	}
	next.Settings = map[string]any{}
	next.set(metadata)
	if err := c.cloud.checkStart(&next); err != nil {
		return nil, err
	}
	v, err := next.newVersion(c, "upload")
	if err != nil {
		return nil, err
	}
	s.Versions, s.Made = next.Versions, next.Made
	return v.describe(), nil
}

// listVersions lists the versions, the newest first. deployable=true leaves none out, since
// all can be deployed.
func listVersions(c *call, s *script) (any, error) {
	newest := slices.Clone(s.Versions)
	slices.Reverse(newest)
	all, err := list(c, newest, maxVersions, version.describe)
	if err != nil {
		return nil, err
	}
	return map[string]any{"items": all.(page).items}, nil
}

// version returns the version with that ID.
func (s *script) version(id string) (version, error) {
	i := slices.IndexFunc(s.Versions, func(v version) bool { return v.ID == id })
	if i < 0 {
		return version{}, refuse(http.StatusNotFound, codeUnknown, "This Worker has no version %s.", id)
	}
	return s.Versions[i], nil
}

func getVersion(c *call, s *script) (any, error) {
	v, err := s.version(c.PathValue("version"))
	if err != nil {
		return nil, err
	}
	return v.describe(), nil
}

// describe returns the version as the API shows it.
// https://developers.cloudflare.com/api/resources/workers/subresources/scripts/subresources/versions/
func (v version) describe() map[string]any {
	runtime := map[string]any{"usage_model": "standard"}
	for _, name := range []string{"compatibility_date", "compatibility_flags", "usage_model", "limits"} {
		if value, ok := v.Settings[name]; ok {
			runtime[name] = value
		}
	}
	return map[string]any{
		"id": v.ID, "number": v.Number, "annotations": v.Annotations, "startup_time_ms": 2,
		"metadata": map[string]any{
			"created_on": v.Created, "modified_on": v.Created, "source": v.From,
			"author_id": userID, "author_email": userEmail,
		},
		"resources": map[string]any{
			"bindings":       showBindings(v.Bindings),
			"script":         map[string]any{"etag": v.Etag, "handlers": v.Handlers, "last_deployed_from": v.From},
			"script_runtime": runtime,
		},
	}
}

func listScriptDeployments(_ *call, s *script) (any, error) {
	all := []any{}
	for _, d := range slices.Backward(s.Deployments) {
		all = append(all, d.describe())
	}
	return map[string]any{"deployments": all}, nil
}

// describe returns the deployment as the API shows it.
// https://developers.cloudflare.com/api/resources/workers/subresources/scripts/subresources/deployments/
func (d scriptDeployment) describe() map[string]any {
	return map[string]any{
		"id": d.ID, "created_on": d.Created, "source": d.From, "strategy": "percentage",
		"author_email": userEmail, "annotations": d.Annotations,
		"versions": []any{map[string]any{"version_id": d.Version, "percentage": 100}},
	}
}

// postScriptDeployment deploys one version. Deployments of two are not emulated.
func postScriptDeployment(c *call, s *script) (any, error) {
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
	v, err := s.version(str(versions[0].(map[string]any), "version_id"))
	if err != nil {
		return nil, err
	}
	text, err := c.cloud.blobs.read(v.Code)
	if err != nil {
		return nil, fmt.Errorf("reading the code: %w", err)
	}
	s.code = code{}
	if err := json.Unmarshal(text, &s.code); err != nil {
		return nil, fmt.Errorf("reading the code: %w", err)
	}
	settings := maps.Clone(v.Settings)
	for _, name := range unversioned {
		delete(settings, name)
		if value, ok := s.Settings[name]; ok {
			settings[name] = value
		}
	}
	s.Settings, s.Bindings, s.Trigger = settings, v.Bindings, "deployment" // assumed
	annotations := map[string]any{"workers/triggered_by": s.Trigger}
	maps.Copy(annotations, child(body, "annotations"))
	return s.deployed(c, v, annotations).describe(), nil
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
