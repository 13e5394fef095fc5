package cloudflare

import (
	"context"
	"errors"
	"net/http"

	"portfolio-infra/internal/rest"
)

// Script is what the stack looks at of an uploaded Worker.
// https://developers.cloudflare.com/api/resources/workers/subresources/scripts/subresources/settings/methods/get/
type Script struct {
	Bindings []ScriptBinding `json:"bindings"`
}

// ScriptBinding is a binding of a Worker. Text is empty for a secret.
type ScriptBinding struct {
	Type string `json:"type"`
	Name string `json:"name"`
	Text string `json:"text"`
}

// Var returns the value of a plain variable, or "".
func (s Script) Var(name string) string {
	for _, b := range s.Bindings {
		if b.Type == "plain_text" && b.Name == name {
			return b.Text
		}
	}
	return ""
}

// Has tells whether there is a binding of that type and name.
func (s Script) Has(kind, name string) bool {
	for _, b := range s.Bindings {
		if b.Type == kind && b.Name == name {
			return true
		}
	}
	return false
}

// Script reads a Worker's settings. Its absence is an error, see [IsNotFound].
func (c *Client) Script(ctx context.Context, name string) (Script, error) {
	return get[Script](ctx, c, findWorker, "/workers/scripts/%s/settings", name)
}

// DeleteSecret removes a secret from a Worker. One that is gone already is no error.
// https://developers.cloudflare.com/api/resources/workers/subresources/scripts/subresources/secrets/methods/delete/
func (c *Client) DeleteSecret(ctx context.Context, script, name string) error {
	err := c.write(ctx, findWorker, http.MethodDelete, nil, "/workers/scripts/%s/secrets/%s", script, name)
	var e *rest.Error
	if IsNotFound(err) || errors.As(err, &e) && e.Code == codeBindingNotFound {
		return nil
	}
	return err
}

// WorkersDev is where a Worker is served under the account's workers.dev subdomain.
type WorkersDev struct {
	// Enabled: the Worker's own address.
	Enabled bool `json:"enabled"`
	// Previews: an address of each version.
	Previews bool `json:"previews_enabled"`
}

// WorkersDev reads where a Worker is served. No answer about it is nowhere.
// https://developers.cloudflare.com/api/resources/workers/subresources/scripts/subresources/subdomain/methods/get/
func (c *Client) WorkersDev(ctx context.Context, script string) (WorkersDev, error) {
	dev, err := get[WorkersDev](ctx, c, findWorker, "/workers/scripts/%s/subdomain", script)
	var e *rest.Error
	if errors.As(err, &e) && e.Status == http.StatusNotFound {
		return WorkersDev{}, nil
	}
	return dev, err
}

// RegisterSubdomain says what an account without a workers.dev subdomain needs.
// Wrangler looks for it too: an upload of the account's first Worker is refused
// with code 10063 otherwise.
// https://github.com/cloudflare/workers-sdk/blob/main/packages/deploy-helpers/src/deploy/helpers/validate-worker-props.ts
const RegisterSubdomain = "register a workers.dev subdomain once: open Workers & Pages in the dashboard (dash.cloudflare.com), then run it again"

// HasSubdomain tells whether the account has a workers.dev subdomain. Without one the
// API answers code 10007. Another answer that finds nothing, or one to a token that may
// not ask, tells nothing, and then the account is taken to have one.
// https://github.com/cloudflare/workers-sdk/blob/main/packages/deploy-helpers/src/triggers/subdomain.ts
// https://github.com/cloudflare/workers-sdk/pull/15678
func (c *Client) HasSubdomain(ctx context.Context) (bool, error) {
	got, err := get[struct {
		Subdomain string `json:"subdomain"`
	}](ctx, c, findAccount, "/workers/subdomain")
	var e *rest.Error
	if errors.As(err, &e) && (e.Status == http.StatusNotFound || e.Status == http.StatusForbidden) {
		return e.Code != codeScriptNotFound, nil
	}
	return got.Subdomain != "", err
}
