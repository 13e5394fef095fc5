package cloudflare

import "context"

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

// Script reads a Worker's settings. Its absence is an error, see [IsNotFound].
func (c *Client) Script(ctx context.Context, name string) (Script, error) {
	return get[Script](ctx, c, "/workers/scripts/%s/settings", name)
}
