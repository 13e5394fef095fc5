package main

import (
	"encoding/json"
	"fmt"
	"testing"
)

// Settings of the Worker that others made stay through an upload, which costs one run that
// names them. After it nothing is to do, after a refresh too.
func TestStack_workerSettings(t *testing.T) {
	f := newFixture(t)
	f.deploy("tail", "export default { tail() {} }", "[]")
	f.up()
	change := func(setting, value string) {
		t.Helper()
		f.form("PATCH", f.scripts()+"/settings", jsonPart("settings", `{"`+setting+`":`+value+`}`))
	}
	live := func(setting string) string {
		t.Helper()
		var got struct{ Result map[string]any }
		if err := json.Unmarshal([]byte(f.byHand("GET", cloudflareAPI, f.scripts()+"/settings", "")), &got); err != nil {
			t.Fatal(err)
		}
		if placement, ok := got.Result[setting].(map[string]any); ok {
			delete(placement, "last_analyzed_at")
		}
		b, err := json.Marshal(got.Result[setting])
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	quiet := func() {
		t.Helper()
		f.noChanges()
		f.want("refresh", f.run("refresh").changes, map[string]int{})
		f.noChanges()
	}
	upload := 0
	uploaded := func() {
		t.Helper()
		upload++
		f.set(map[string]any{"vars": map[string]any{"UPLOAD": fmt.Sprint(upload)}})
		f.want("an upload", f.up().changes, map[string]int{"update": 1})
	}
	for _, test := range []struct{ setting, input, value, undo string }{
		{"placement", "placement", `{"mode":"smart"}`, `{"mode":"off"}`},
		{"limits", "limits", `{"cpu_ms":50}`, `{}`},
		{"logpush", "logpush", `true`, `false`},
		{"tail_consumers", "tailConsumers", `[{"service":"tail"}]`, `[]`},
		{"usage_model", "usageModel", `"unbound"`, `"standard"`},
		{"observability", "observability", `{"enabled":true,"head_sampling_rate":0.25,` +
			`"logs":{"enabled":true,"invocation_logs":false,"head_sampling_rate":null},"traces":{"enabled":true}}`, `{"enabled":true}`},
	} {
		change(test.setting, test.value)
		want := live(test.setting)
		f.want("preview", f.run("preview").changes, map[string]int{"update": 1})
		f.says("the preview", "changed elsewhere", test.input)
		f.want("up", f.up().changes, map[string]int{"update": 1})
		quiet()
		uploaded()
		if test.setting != "observability" { // the plugin adds its defaults
			f.want(test.setting+" after an upload", live(test.setting), want)
		}
		quiet()
		change(test.setting, test.undo)
		f.up()
		quiet()
		change(test.setting, test.value)
		f.run("refresh")
		f.up()
		quiet()
	}
	o := live("observability")
	change("tags", `["theirs"]`)
	f.noChanges()
	f.set(map[string]any{"vars": nil})
	f.run("preview")
	f.says("the preview", "cannot set", "tags")
	f.up()
	f.want("observability", live("observability"), o)
	quiet()
}
