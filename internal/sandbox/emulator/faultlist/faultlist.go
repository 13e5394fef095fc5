// Package faultlist is the list of what may go wrong with a call to a cloud, and a
// [Transport] that makes it go wrong without a socket, so that tests with it can run
// in [testing/synctest].
//
// What the client gets is made by package emulator. The rest is here because no server
// can do it: refuse the connection, or know which call of an operation it is.
package faultlist

import (
	"encoding/json"
	"net/http"
	"strconv"

	"portfolio-infra/internal/sandbox/emulator"
)

// The clouds that a fault may be limited to, by [emulator.Fault]'s Cloud.
const (
	TiDBCloud  = "tidbcloud"
	Cloudflare = "cloudflare"
)

// RequestID is in the headers of all answers that are a fault's own.
const RequestID = "id-of-the-fault"

// Fault is something that goes wrong with a call: what the [emulator.Fault] says, unless
// one of the other fields is set.
type Fault struct {
	emulator.Fault

	// Refused: no connection is made.
	Refused bool
	// Stale: the call is refused for its nonce, with a new one.
	Stale bool
	// Edit changes the body of the real answer, so the call takes effect.
	Edit func(body []byte) []byte
	// Echo makes the body of an answer of what was sent.
	Echo func(sent []byte) []byte
}

// All returns the faults that calls to a cloud may meet, each for one call.
func All(cloud string) []Fault {
	var some []Fault
	for _, f := range list {
		if f.Cloud == "" || f.Cloud == cloud {
			some = append(some, f)
		}
	}
	return some
}

var list = []Fault{
	answer("429 with Retry-After", http.StatusTooManyRequests, "Retry-After", "2"),
	answer("429 with X-Ratelimit-Reset", http.StatusTooManyRequests, "X-Ratelimit-Reset", "3"),
	answer("429 that asks for an hour", http.StatusTooManyRequests, "Retry-After", "3600"),
	answer("500", http.StatusInternalServerError),
	after(answer("500 after the effect", http.StatusInternalServerError)),
	html("502 with HTML", http.StatusBadGateway),
	answer("503", http.StatusServiceUnavailable),
	answer("401 without a challenge", http.StatusUnauthorized),
	answer("403", http.StatusForbidden),
	answer("404 in the wrong place", http.StatusNotFound),
	{Fault: emulator.Fault{Name: "connection refused"}, Refused: true},
	{Fault: emulator.Fault{Name: "reset before the effect", Reset: true}},
	{Fault: emulator.Fault{Name: "reset after the effect", Reset: true, After: true}},
	{Fault: emulator.Fault{Name: "no answer, no effect", Hang: true}},
	{Fault: emulator.Fault{Name: "no answer after the effect", Hang: true, After: true}},
	{Fault: emulator.Fault{Name: "slow body", Drip: 50}},
	{Fault: emulator.Fault{Name: "body slower than the time-out", Drip: 1000}},
	{Fault: emulator.Fault{Name: "truncated JSON", Truncate: true}},
	{Fault: emulator.Fault{Name: "a list for an object"}, Edit: func([]byte) []byte { return []byte("[]") }},
	{Fault: emulator.Fault{Name: "numbers for strings"}, Edit: func(body []byte) []byte { return edit(body, numbers) }},
	{Fault: emulator.Fault{Name: "empty 200"}},
	html("200 with HTML", http.StatusOK),
	{Fault: emulator.Fault{Name: "400 that repeats the request", Status: http.StatusBadRequest}, Echo: func(sent []byte) []byte {
		text, _ := json.Marshal("cannot take " + string(sent))
		return []byte(`{"code":400,"message":` + string(text) + `,"errors":[{"code":400,"message":` + string(text) + `}],"success":false}`)
	}},
	{Fault: emulator.Fault{Name: "400 with text that repeats the request", Status: http.StatusBadRequest}, Echo: plain},
	{Fault: emulator.Fault{Name: "200 with text that repeats the request"}, Echo: plain},
	{Fault: emulator.Fault{Name: "success: false", Cloud: Cloudflare, Header: header(), Body: said(http.StatusOK)}},
	{Fault: emulator.Fault{Name: "success without effect", Cloud: Cloudflare, Method: http.MethodPatch, Header: header(), Body: `{"success":true,"result":{}}`}},
	{Fault: emulator.Fault{Name: "stale nonce", Cloud: TiDBCloud}, Stale: true},
	{Fault: emulator.Fault{Name: "unknown cluster state", Cloud: TiDBCloud}, Edit: func(body []byte) []byte { return edit(body, hibernating) }},
}

// answer is a fault that answers as the API words its errors.
func answer(name string, status int, headers ...string) Fault {
	return Fault{Fault: emulator.Fault{Name: name, Status: status, Header: header(headers...), Body: said(status)}}
}

// html is a fault that answers as a proxy in the way would.
func html(name string, status int) Fault {
	h := header()
	h["Content-Type"] = "text/html"
	return Fault{Fault: emulator.Fault{Name: name, Status: status, Header: h, Body: "<html><body>Oops</body></html>"}}
}

func after(f Fault) Fault { f.After = true; return f }

func plain(sent []byte) []byte { return append([]byte("cannot take "), sent...) }

func header(pairs ...string) map[string]string {
	h := map[string]string{"Content-Type": "application/json", "X-Debug-Trace-Id": RequestID, "Cf-Ray": RequestID}
	for i := 0; i < len(pairs); i += 2 {
		h[pairs[i]] = pairs[i+1]
	}
	return h
}

// said is an error in the shapes of both clouds.
func said(status int) string {
	const words = `"injected by a test"`
	return `{"code":` + strconv.Itoa(status) + `,"message":` + words + `,"details":[],
		"success":false,"errors":[{"code":` + strconv.Itoa(status) + `,"message":` + words + `}],"result":null}`
}

// edit applies change to each value of a body that is no object and no list.
func edit(body []byte, change func(key string, v any) any) []byte {
	var root any
	if json.Unmarshal(body, &root) != nil {
		return body
	}
	var walk func(key string, v any) any
	walk = func(key string, v any) any {
		switch v := v.(type) {
		case map[string]any:
			for k := range v {
				v[k] = walk(k, v[k])
			}
			return v
		case []any:
			for i := range v {
				v[i] = walk(key, v[i])
			}
			return v
		}
		return change(key, v)
	}
	changed, err := json.Marshal(walk("", root))
	if err != nil {
		panic(err) // it was JSON
	}
	return changed
}

func numbers(_ string, v any) any {
	if _, ok := v.(string); ok {
		return 7
	}
	return v
}

func hibernating(key string, v any) any {
	if key == "state" {
		return "HIBERNATING"
	}
	return v
}
