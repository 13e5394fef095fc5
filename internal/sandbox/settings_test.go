package main

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"
)

// theirs are settings of the Worker that others make, by their names in the API.
var theirs = map[string]string{
	"placement": `{"mode":"smart"}`, "limits": `{"cpu_ms":50}`, "logpush": `true`, "tail_consumers": `[{"service":"tail"}]`, "usage_model": `"unbound"`,
	"observability": `{"enabled":true,"head_sampling_rate":0.25,"logs":{"enabled":true,"invocation_logs":false,"head_sampling_rate":null},"traces":{"enabled":true}}`,
}

// Settings of the Worker that others made stay through an upload, which costs one run that
// names them. After it nothing is to do, after a refresh too.
func TestStack_workerSettings(t *testing.T) {
	f := newFixture(t)
	f.deploy("tail", "export default { tail() {} }", "[]")
	f.up()
	change := func(all map[string]string) {
		t.Helper()
		fields := map[string]json.RawMessage{}
		for name, value := range all {
			fields[name] = json.RawMessage(value)
		}
		b, err := json.Marshal(fields)
		if err != nil {
			t.Fatal(err)
		}
		f.form("PATCH", f.scripts()+"/settings", jsonPart("settings", string(b)))
	}
	kept := func(when string) {
		t.Helper()
		var got struct{ Result map[string]any }
		if err := json.Unmarshal([]byte(f.byHand("GET", cloudflareAPI, f.scripts()+"/settings", "")), &got); err != nil {
			t.Fatal(err)
		}
		delete(got.Result["placement"].(map[string]any), "last_analyzed_at")
		delete(got.Result["placement"].(map[string]any), "status")
		for _, key := range []string{"logs", "traces"} { // the plugin's default is null for the API
			part := got.Result["observability"].(map[string]any)[key].(map[string]any)
			maps.DeleteFunc(part, func(key string, v any) bool { return key == "persist" && v == true || v == nil })
		}
		for _, name := range slices.Sorted(maps.Keys(theirs)) {
			var want any
			if err := json.Unmarshal([]byte(theirs[name]), &want); err != nil {
				t.Fatal(err)
			}
			if o, ok := want.(map[string]any); ok && name == "observability" {
				delete(o["logs"].(map[string]any), "head_sampling_rate")
			}
			f.want(name+" "+when, got.Result[name], want)
		}
	}
	quiet := func() {
		t.Helper()
		f.noChanges()
		f.want("refresh", f.run("refresh").changes, map[string]int{})
		f.noChanges()
	}

	change(theirs)
	f.want("preview", f.run("preview").changes, map[string]int{"update": 1})
	f.says("the preview", "changed elsewhere", "limits, logpush, observability, placement, tailConsumers, usageModel")
	f.want("up", f.up().changes, map[string]int{"update": 1})
	kept("after the run that takes them over")
	quiet()

	t.Log("another upload, with settings that the provider cannot set")
	change(map[string]string{"tags": `["theirs"]`})
	f.noChanges()
	f.set(map[string]any{"vars": map[string]any{"MODE": "live"}})
	f.run("preview")
	f.says("the preview", "cannot set", "tags")
	f.want("up", f.up().changes, map[string]int{"update": 1})
	kept("after an upload")

	t.Log("undone, and made again before a refresh")
	change(map[string]string{"placement": `{"mode":"off"}`, "limits": `{}`, "logpush": `false`, "tail_consumers": `[]`,
		"usage_model": `"standard"`, "observability": `{"enabled":true}`})
	f.up()
	quiet()
	change(theirs)
	f.run("refresh")
	f.up()
	kept("after a refresh")
	quiet()
}
