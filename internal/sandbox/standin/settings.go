package standin

import (
	"encoding/json"
	"errors"
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/property"
)

// settings is what the API returns about an uploaded script.
type settings struct {
	Bindings          []binding      `json:"bindings"`
	CompatibilityDate string         `json:"compatibility_date"`
	all               map[string]any // what is not among them
}

// UnmarshalJSON implements [json.Unmarshaler].
func (s *settings) UnmarshalJSON(b []byte) error {
	type known settings
	return errors.Join(json.Unmarshal(b, (*known)(s)), json.Unmarshal(b, &s.all))
}

// over returns the inputs, overwritten by what the API returns. As in the real plugin, a
// binding of the state stays, even if it is gone or changed, except for a secret that is gone.
// A binding that the state lacks is added, unless it is a secret.
// https://github.com/cloudflare/terraform-provider-cloudflare/blob/v5.19.1/internal/services/workers_script/custom.go
//
// recorded has the settings of the new state. A refresh copies those into the inputs that the
// inputs already have.
// https://github.com/pulumi/pulumi-terraform-bridge/blob/v3.130.0/pkg/tfbridge/schema.go (ExtractInputsFromOutputs)
func (s settings) over(inputs, recorded property.Map) property.Map {
	same := func(b binding) func(binding) bool {
		return func(other binding) bool { return other.Type == b.Type && other.Name == b.Name }
	}
	var all []property.Value
	known := bindings(inputs)
	for i, b := range known {
		if b.Type != "secret_text" || slices.ContainsFunc(s.Bindings, same(b)) {
			all = append(all, inputs.Get("bindings").AsArray().Get(i))
		}
	}
	for _, b := range s.Bindings {
		if b.Type != "secret_text" && !slices.ContainsFunc(known, same(b)) {
			all = append(all, property.New(map[string]property.Value{
				"type": property.New(b.Type), "name": property.New(b.Name), "text": property.New(b.Text),
			}))
		}
	}
	inputs = inputs.Set("bindings", property.New(all)).Set("compatibilityDate", property.New(s.CompatibilityDate))
	for _, key := range settingKeys {
		if have, ok := inputs.GetOk(key); ok {
			inputs = inputs.Set(key, like(have, recorded.Get(key)))
		}
	}
	return inputs
}

// settingKeys are the settings that the real plugin can set, besides bindings and those of the
// runtime. Schema and model are from
// https://github.com/cloudflare/terraform-provider-cloudflare/blob/v5.19.1/internal/services/workers_script/schema.go
var settingKeys = []string{"limits", "logpush", "observability", "placement", "tailConsumers", "usageModel"}

// planned returns the settings that the real plugin plans: those of the inputs, with its
// defaults. placement and tailConsumers are optional and computed: without an input they stay
// as the state has them, and an upload for another change leaves them out.
func planned(inputs, state property.Map) property.Map {
	all := property.Map{}.Set("logpush", property.New(false)).Set("usageModel", property.New("standard"))
	for _, key := range settingKeys {
		v := inputs.Get(key)
		if (key == "placement" || key == "tailConsumers") && v.IsNull() {
			v = state.Get(key)
		}
		if !v.IsNull() {
			all = all.Set(key, v)
		}
	}
	if o := all.Get("observability"); o.IsMap() {
		for _, key := range []string{"logs", "traces"} {
			if part := o.AsMap().Get(key); part.IsMap() && part.AsMap().Get("persist").IsNull() {
				o = property.New(o.AsMap().Set(key, property.New(part.AsMap().Set("persist", property.New(true)))))
			}
		}
		all = all.Set("observability", o)
	}
	return all
}

// change returns a state and inputs as the real plugin compares them. It compares its plan
// with the state's settings, not with the state's inputs.
// https://github.com/pulumi/pulumi-terraform-bridge/blob/v3.130.0/pkg/pf/tfbridge/provider_diff.go
func change(state, old, inputs property.Map) (_, _ property.Map) {
	was, is := planned(state, property.Map{}), planned(inputs, state)
	if p := was.Get("placement"); p.IsMap() { // its status is computed
		was = was.Set("placement", like(is.Get("placement"), p))
	}
	return with(old.Delete(settingKeys...), was.AsMap()), with(inputs.Delete(settingKeys...), is.AsMap())
}

// recorded returns the settings that the state has after a refresh. What the API returns
// overwrites the state's settings; what is null or missing there stays.
// https://github.com/cloudflare/terraform-provider-cloudflare/blob/v5.19.1/internal/services/workers_script/resource.go (Read)
func (s settings) recorded(state property.Map) property.Map {
	all := property.Map{}
	for _, key := range settingKeys {
		live := fromJSON(s.all[snake(key)])
		v := put(state.Get(key), live)
		if key == "placement" && live.IsMap() {
			// Placement is replaced as a whole, and is null without a mode.
			if v = put(property.Value{}, live); v.AsMap().Get("mode").IsNull() {
				continue
			}
		}
		if !v.IsNull() {
			all = all.Set(key, v)
		}
	}
	return all
}
