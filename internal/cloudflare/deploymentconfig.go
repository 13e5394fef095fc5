package cloudflare

import "encoding/json"

// UnmarshalJSON reads the members that the stack knows, and whatever else is a
// non-empty object into Others: all kinds of bindings are, and so are variables.
func (d *DeploymentConfig) UnmarshalJSON(b []byte) error {
	type known DeploymentConfig
	if err := json.Unmarshal(b, (*known)(d)); err != nil {
		return err
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(b, &members); err != nil {
		return err
	}
	delete(members, "services")
	for name, raw := range members {
		var object map[string]json.RawMessage // a value may be a number that no Go type holds
		if json.Unmarshal(raw, &object) != nil || len(object) == 0 {
			continue
		}
		if d.Others == nil {
			d.Others = map[string]map[string]json.RawMessage{}
		}
		d.Others[name] = object
	}
	return nil
}
