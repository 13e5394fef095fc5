package cloudflare

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"portfolio-infra/internal/rest"
	"portfolio-infra/internal/rest/resttest"
)

// Whatever the API responds, a project comes only from a success that has one. The word
// TOKEN in a body stands for the secret.
func FuzzClient_Project(f *testing.F) {
	for _, seed := range []struct {
		status uint16
		body   string
	}{
		{200, `{"success":true,"result":{"name":"site","domains":["a"],"deployment_configs":{"production":{"services":{"A":{"service":"api","environment":"production"}}}}}}`},
		{200, `{"success":true,"result":null}`}, {200, `{"success":true}`}, {200, `{"result":{"deployment_configs":{"preview":null}}}`},
		{200, `{"success":false,"result":{"name":"site"}}`}, {200, `{"success":"yes","result":{}}`}, {200, "null"}, {200, "[]"}, {200, "<html>"}, {200, ""},
		{200, `{"success":true,"result":[]}`}, {200, `{"success":true,"result":{"name":1}}`}, {200, `{"Success":false,"result":{}}`},
		{404, `{"success":false,"errors":[{"code":8000007,"message":"not\nfound"}]}`}, {403, `{"errors":[{"code":"x","message":"of TOKEN"}]}`},
		{400, `{"errors":[{"code":1,"message":"TOKEN"},{"message":"\u001b[31m"},null]}`}, {400, `{"errors":{}}`}, {502, "bad gateway"},
	} {
		f.Add(seed.status, []byte(seed.body))
	}
	f.Fuzz(func(t *testing.T, status uint16, body []byte) {
		code := 200 + int(status)%400 // 1xx are no final responses
		body = bytes.ReplaceAll(body, []byte("TOKEN"), []byte(token))
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		c := clientOf(resttest.Fixed{Status: code, Body: body})
		c.OnWait = func(context.Context, time.Duration, string) { cancel() }
		_, err := c.Project(ctx, "site")
		if err == nil {
			var e struct {
				Success *bool
				Result  map[string]any
			}
			if code > 299 || json.Unmarshal(body, &e) != nil || e.Result == nil || e.Success != nil && !*e.Success {
				t.Errorf("%d %q is a success", code, body)
			}
			return
		}
		var e *rest.Error
		if !errors.As(err, &e) || rest.Ambiguous(err) {
			t.Fatalf("%T, ambiguous %t: %v", err, rest.Ambiguous(err), err)
		}
		resttest.CheckReadable(t, err, token)
	})
}

// Whatever a project has, one more property alters it, at the top and in an environment.
func FuzzProject_Altered(f *testing.F) {
	for _, seed := range []string{
		"null", "{}", "[]", "1", `{"deployment_configs":{}}`, `{"deployment_configs":{"production":null}}`, `{"deployment_configs":1}`,
		fresh, `{"created_on":"yesterday","deployment_configs":{"preview":{"limits":{"cpu_ms":1e999}}}}`, `{"Domains":["x"]}`, `{"":{"":{}}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var p Project
		if json.Unmarshal(b, &p) != nil || p.all == nil {
			return
		}
		_ = p.Altered("main")
		configs, _ := p.all["deployment_configs"].(map[string]any)
		if production, _ := configs["production"].(map[string]any); production != nil {
			production["zzz"] = "set"
			if p.Altered("main") == "" {
				t.Errorf("%q: a new property of production alters nothing", b)
			}
		}
		p.all["zzz"] = "set"
		if p.Altered("main") == "" {
			t.Errorf("%q: a new property alters nothing", b)
		}
	})
}

// Any error body gives a code that is a number, or none, and a suggestion that is a
// sentence, or none.
func FuzzDecodeError(f *testing.F) {
	for _, seed := range []string{
		"", "null", "{}", `{"errors":null}`, `{"errors":[]}`, `{"errors":[null]}`, `{"errors":[{"code":8000022,"message":"Invalid Service name ()"}]}`,
		`{"errors":[{"code":1e3}]}`, `{"errors":[{"code":-1,"message":""}]}`, `{"errors":[{"message":"a"},{"message":"b"}]}`, `{"errors":{"code":1}}`,
	} {
		f.Add(uint16(400), []byte(seed))
	}
	f.Fuzz(func(t *testing.T, status uint16, body []byte) {
		code, message := decodeError(int(status), nil, body)
		if code != "" {
			if _, err := strconv.Atoi(code); err != nil {
				t.Errorf("the code is %q", code)
			}
		}
		if (code != "" || message != "") && !json.Valid(body) {
			t.Errorf("%q has code %q and message %q", body, code, message)
		}
		if suggestion := suggest(&rest.Error{Status: int(status), Code: code, Message: message}, workerNotFound); strings.Contains(suggestion, "\n") || strings.HasSuffix(suggestion, ".") {
			t.Errorf("the suggestion is %q", suggestion)
		}
	})
}
