// Package faultlist has the faults that a call to a cloud can meet, and a [Transport] that
// injects them without a socket, for tests in [testing/synctest].
//
// Most are faults of package emulator. The others are here because no server can cause them,
// such as a refused connection, or an answer that repeats what a client sent.
package faultlist

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"portfolio-infra/internal/sandbox/emulator"
)

// The values of Cloud in a fault.
const (
	TiDBCloud  = "tidbcloud"
	Cloudflare = "cloudflare"
)

// RequestID is the request ID in answers that a fault makes up.
const RequestID = "id-of-the-fault"

// Fault is a fault of package emulator, unless one of its own fields is set.
type Fault struct {
	emulator.Fault

	// Refused refuses the connection.
	Refused bool
	// Stale rejects the nonce and offers another one.
	Stale bool
	// Edit changes the body of the real answer.
	Edit func(answer []byte) []byte
	// Echo makes the body of the answer from that of the request.
	Echo func(request []byte) []byte
}

// All returns the faults for a cloud. Each hits one call.
func All(cloud string) []Fault {
	var all []Fault
	for _, f := range list {
		if f.Cloud == "" || f.Cloud == cloud {
			all = append(all, f)
		}
	}
	return all
}

// String names what fails, and how.
func (p Plan) String() string {
	return fmt.Sprintf("%s #%d / %s, %d times", p.Kind, p.Skip+1, p.Fault.Name, p.Times)
}

// The names of the faults that ask the client to wait.
const (
	limitedFor   = "429 with Retry-After"
	limitedUntil = "429 with X-Ratelimit-Reset"
	limitedLong  = "429 that asks for an hour"
)

var list = []Fault{
	status(limitedFor, 429, "Retry-After", "2"),
	status(limitedUntil, 429, "X-Ratelimit-Reset", "3"),
	status(limitedLong, 429, "Retry-After", "3600"),
	status("500", 500),
	{Fault: emulator.Fault{Name: "500 after the effect", After: true, Status: 500, Header: header(), Body: failure(500)}},
	html("502 with HTML", 502),
	status("503", 503),
	status("401 without a challenge", 401),
	status("403", 403),
	status("404 in the wrong place", 404),
	{Fault: emulator.Fault{Name: "connection refused"}, Refused: true},
	{Fault: emulator.Fault{Name: "reset before the effect", Reset: true}},
	{Fault: emulator.Fault{Name: "reset after the effect", Reset: true, After: true}},
	{Fault: emulator.Fault{Name: "no answer, no effect", Hang: true}},
	{Fault: emulator.Fault{Name: "no answer after the effect", Hang: true, After: true}},
	{Fault: emulator.Fault{Name: "slow body", Drip: 50}},
	{Fault: emulator.Fault{Name: "body slower than the time-out", Drip: 1000}},
	{Fault: emulator.Fault{Name: "truncated JSON", Truncate: true}},
	{Fault: emulator.Fault{Name: "a list for an object"}, Edit: func([]byte) []byte { return []byte("[]") }},
	{Fault: emulator.Fault{Name: "numbers for strings"}, Edit: replaceStrings(func(string, string) any { return 7 })},
	{Fault: emulator.Fault{Name: "empty 200"}},
	html("200 with HTML", 200),
	{Fault: emulator.Fault{Name: "400 that repeats the request", Status: 400}, Echo: func(request []byte) []byte {
		text, _ := json.Marshal(string(plainEcho(request)))
		return fmt.Appendf(nil, `{"code":400,"message":%s,"errors":[{"code":400,"message":%[1]s}],"success":false}`, text)
	}},
	{Fault: emulator.Fault{Name: "400 with text that repeats the request", Status: 400}, Echo: plainEcho},
	{Fault: emulator.Fault{Name: "200 with text that repeats the request"}, Echo: plainEcho},
	{Fault: emulator.Fault{Name: "success: false", Cloud: Cloudflare, Header: header(), Body: failure(200)}},
	{Fault: emulator.Fault{Name: "success without effect", Cloud: Cloudflare, Method: http.MethodPatch, Header: header(), Body: `{"success":true,"result":{}}`}},
	{Fault: emulator.Fault{Name: "stale nonce", Cloud: TiDBCloud}, Stale: true},
	{Fault: emulator.Fault{Name: "unknown cluster state", Cloud: TiDBCloud}, Edit: replaceStrings(func(key, s string) any {
		if key == "state" {
			return "HIBERNATING"
		}
		return s
	})},
}

// status returns a fault that answers with an error of the API.
func status(name string, code int, headers ...string) Fault {
	return Fault{Fault: emulator.Fault{Name: name, Status: code, Header: header(headers...), Body: failure(code)}}
}

// html returns a fault that answers as a proxy does.
func html(name string, code int) Fault {
	return Fault{Fault: emulator.Fault{Name: name, Status: code, Header: header("Content-Type", "text/html"), Body: "<html><body>Oops</body></html>"}}
}

func plainEcho(request []byte) []byte { return append([]byte("cannot take "), request...) }

func header(pairs ...string) map[string]string {
	h := map[string]string{"Content-Type": "application/json", "X-Debug-Trace-Id": RequestID, "Cf-Ray": RequestID}
	for pair := range slices.Chunk(pairs, 2) {
		h[pair[0]] = pair[1]
	}
	return h
}

// failure returns an error that has the shapes of both clouds.
func failure(code int) string {
	return fmt.Sprintf(`{"code":%d,"message":"injected by a test","details":[],
		"success":false,"errors":[{"code":%[1]d,"message":"injected by a test"}],"result":null}`, code)
}

// replaceStrings returns an Edit that replaces each string. key is the name of its member.
func replaceStrings(replace func(key, s string) any) func([]byte) []byte {
	var walk func(key string, v any) any
	walk = func(key string, v any) any {
		switch v := v.(type) {
		case string:
			return replace(key, v)
		case map[string]any:
			for k := range v {
				v[k] = walk(k, v[k])
			}
		case []any:
			for i := range v {
				v[i] = walk(key, v[i])
			}
		}
		return v
	}
	return func(body []byte) []byte {
		var root any
		if json.Unmarshal(body, &root) != nil {
			return body
		}
		edited, _ := json.Marshal(walk("", root)) // it was JSON
		return edited
	}
}
