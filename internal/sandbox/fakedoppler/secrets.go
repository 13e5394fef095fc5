package fakedoppler

import (
	"net/http"

	"portfolio-infra/internal/sandbox/wire"
)

func getSecret(c *call) (answer, error) {
	var project, config, name string
	if err := c.params(map[string]*string{"project": &project, "config": &config, "name": &name}); err != nil {
		return nil, err
	}
	if err := c.cloud.find(project, config); err != nil {
		return nil, err
	}
	if err := checkName(name); err != nil {
		return nil, err
	}
	value := missing
	if i := c.state.index(project, config, name); i >= 0 {
		value = c.cloud.describe(c.state.Secrets[i])
	}
	return answer{"name": name, "value": value}, nil
}

// postSecrets makes the changes and answers all secrets of the config.
func postSecrets(c *call) (answer, error) {
	if err := c.params(nil); err != nil {
		return nil, err
	}
	var body struct {
		Project string   `json:"project"`
		Config  string   `json:"config"`
		Changes []change `json:"change_requests"`
	}
	if err := wire.Decode(c.Request, &body); err != nil {
		return nil, refuse(http.StatusBadRequest, "the body is not of the form that the emulator takes: %v", err)
	}
	if err := c.cloud.find(body.Project, body.Config); err != nil {
		return nil, err
	}
	if len(body.Changes) == 0 {
		return nil, refuse(http.StatusBadRequest, "change_requests: there must be one at least")
	}
	for _, ch := range body.Changes {
		if err := ch.check(); err != nil {
			return nil, err
		}
		if err := ch.apply(c, body.Project, body.Config); err != nil {
			return nil, err
		}
	}
	all := map[string]any{}
	for _, x := range c.state.Secrets {
		if x.Project == body.Project && x.Config == body.Config {
			all[x.Name] = c.cloud.describe(x)
		}
	}
	return answer{"secrets": all}, nil
}

// missing is the value of a secret that is not there.
var missing = map[string]any{
	"raw": nil, "computed": nil, "note": nil, "rawVisibility": nil, "computedVisibility": nil,
	"rawValueType": nil, "computedValueType": nil,
}

// describe is the secret's value as the API shows it.
func (c *Cloud) describe(x stored) map[string]any {
	value := c.vault.open(x.Sealed)
	if x.Visibility == "restricted" && c.person() {
		value = nil
	}
	text := map[string]any{"type": "string"}
	return map[string]any{
		"raw": value, "computed": value, "note": "",
		"rawVisibility": x.Visibility, "computedVisibility": x.Visibility,
		"rawValueType": text, "computedValueType": text,
	}
}
