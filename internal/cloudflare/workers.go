package cloudflare

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"portfolio-infra/internal/rest"
)

// Script has the settings of a Worker, as far as the stack reads them.
// https://developers.cloudflare.com/api/resources/workers/subresources/scripts/subresources/settings/methods/get/
type Script struct {
	Bindings []ScriptBinding `json:"bindings"`
	ScriptSettings
}

// ScriptBinding is a binding of a Worker. Text is empty for a secret.
type ScriptBinding struct {
	Type string `json:"type"`
	Name string `json:"name"`
	Text string `json:"text"`
}

// Var returns the value of a plain variable, or "".
func (s Script) Var(name string) string {
	if i := s.index("plain_text", name); i >= 0 {
		return s.Bindings[i].Text
	}
	return ""
}

// Has reports whether the Worker has a binding of that type and name.
func (s Script) Has(kind, name string) bool { return s.index(kind, name) >= 0 }

func (s Script) index(kind, name string) int {
	return slices.IndexFunc(s.Bindings, func(b ScriptBinding) bool { return b.Type == kind && b.Name == name })
}

// Script returns a Worker's settings. If it is missing, [IsNotFound] is true for the error.
func (c *Client) Script(ctx context.Context, name string) (Script, error) {
	return get[Script](ctx, c, workerNotFound, "/workers/scripts/%s/settings", name)
}

// Scripts lists the names of the account's Workers. The list has one page, and no variables.
// https://developers.cloudflare.com/api/resources/workers/subresources/scripts/methods/list/
func (c *Client) Scripts(ctx context.Context) ([]string, error) {
	all, err := get[[]struct {
		ID string `json:"id"`
	}](ctx, c, accountNotFound, "/workers/scripts")
	names := make([]string, len(all))
	for i, script := range all {
		if names[i] = script.ID; script.ID == "" {
			return nil, errors.New("the API lists a Worker without a name")
		}
	}
	return names, err
}

// DeleteScript deletes a Worker. The API refuses it while others are bound to the Worker. It is no
// error if the Worker is missing.
// https://developers.cloudflare.com/api/resources/workers/subresources/scripts/methods/delete/
func (c *Client) DeleteScript(ctx context.Context, name string) error {
	err := c.write(ctx, workerNotFound, http.MethodDelete, nil, "/workers/scripts/%s", name)
	if IsNotFound(err) {
		return nil
	}
	return err
}

// DeleteSecret deletes a secret of a Worker. It is no error if the secret is missing.
// https://developers.cloudflare.com/api/resources/workers/subresources/scripts/subresources/secrets/methods/delete/
func (c *Client) DeleteSecret(ctx context.Context, script, name string) error {
	err := c.write(ctx, workerNotFound, http.MethodDelete, nil, "/workers/scripts/%s/secrets/%s", script, name)
	if IsNotFound(err) || rest.Code(err) == codeBindingNotFound {
		return nil
	}
	return err
}

// WorkersDev says whether a Worker is served under the account's workers.dev subdomain.
type WorkersDev struct {
	Enabled  bool `json:"enabled"`          // at the Worker's own address
	Previews bool `json:"previews_enabled"` // each version at an address of its own
}

// WorkersDev returns where a Worker is served. If the API does not know, that is nowhere.
// https://developers.cloudflare.com/api/resources/workers/subresources/scripts/subresources/subdomain/methods/get/
func (c *Client) WorkersDev(ctx context.Context, script string) (WorkersDev, error) {
	dev, err := get[WorkersDev](ctx, c, workerNotFound, "/workers/scripts/%s/subdomain", script)
	if rest.StatusIs(err, http.StatusNotFound) {
		return WorkersDev{}, nil
	}
	return dev, err
}

// HasSubdomain reports whether the account has a workers.dev subdomain. If it has none, the API
// responds with code 10007. Another 404 or a 403 says nothing; then the account is assumed to
// have one.
// https://github.com/cloudflare/workers-sdk/blob/main/packages/deploy-helpers/src/triggers/subdomain.ts
// https://github.com/cloudflare/workers-sdk/pull/15678
func (c *Client) HasSubdomain(ctx context.Context) (bool, error) {
	got, err := get[struct {
		Subdomain string `json:"subdomain"`
	}](ctx, c, accountNotFound, "/workers/subdomain")
	if rest.StatusIs(err, http.StatusNotFound, http.StatusForbidden) {
		return rest.Code(err) != codeScriptNotFound, nil
	}
	return got.Subdomain != "", err
}
