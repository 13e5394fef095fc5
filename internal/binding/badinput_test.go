package binding

import (
	"bytes"
	"strings"
	"testing"
)

// The good request, in which a test spoils one thing.
const goodRequest = `{"accountId":"` + account + `","project":"site","createdOn":"2026-01-02T03:04:05Z","bindings":{"API":{"service":"api","environment":"production"}}}`

func TestRun_badInput(t *testing.T) {
	spoilt := func(old, spoil string) string { return strings.Replace(goodRequest, old, spoil, 1) }
	for name, test := range map[string]struct{ request, want string }{
		"null":                        {"null", "accountId:"},
		"a list":                      {"[" + goodRequest + "]", "reading the request"},
		"cut off":                     {goodRequest[:len(goodRequest)-1], "unexpected EOF"},
		"byte order mark":             {"\ufeff" + goodRequest, "reading the request"},
		"deeper than any parser goes": {strings.Repeat("[", 20_000), "reading the request"},
		"account in capitals":         {spoilt(account, strings.ToUpper("abcdef0123456789abcdef0123456789")), "accountId:"},
		"account with a line break":   {spoilt(account, account+`\n`), "accountId:"},
		"account that is a number":    {spoilt(`"`+account+`"`, "1"), "accountId"},
		"project with a line break":   {spoilt("site", `site\n`), "project:"},
		"project in capitals":         {spoilt("site", "Site"), "project:"},
		"project in unicode":          {spoilt("site", "sïte"), "project:"},
		"project that is no UTF-8":    {spoilt("site", "\xff"), "project:"},
		"project with a quote":        {spoilt("site", `a\"b`), "project:"},
		"project with a shell's words": {spoilt("site", "$(id)"),
			`project: "$(id)" is not the name of a Pages project`},
		"project that is too long":         {spoilt("site", strings.Repeat("a", 59)), "project:"},
		"bindings that are a list":         {spoilt(`{"API":{"service":"api","environment":"production"}}`, `[]`), "reading the request"},
		"binding that is null":             {spoilt(`{"service":"api","environment":"production"}`, `null`), `API: service ""`},
		"binding with an unknown member":   {spoilt(`"service"`, `"servce"`), `unknown field "servce"`},
		"binding without a name":           {spoilt(`"API"`, `""`), `bindings: "" is not a binding's name`},
		"binding with a digit first":       {spoilt(`"API"`, `"1A"`), `"1A" is not a binding's name`},
		"binding in unicode":               {spoilt(`"API"`, `"ÄPI"`), "is not a binding's name"},
		"binding with a huge name":         {spoilt(`"API"`, `"`+strings.Repeat("A", 1<<16)+`"`), "is not a binding's name"},
		"service with a path":              {spoilt(`"api"`, `"../api"`), `API: service "../api"`},
		"service with an escape":           {spoilt(`"api"`, `"a%2fb"`), `API: service "a%2fb"`},
		"service with a line break":        {spoilt(`"api"`, `"api\n"`), `API: service "api\n"`},
		"environment with a slash":         {spoilt(`"production"`, `"a/b"`), `API: environment "a/b"`},
		"environment that is a number":     {spoilt(`"production"`, `1`), "environment"},
		"entrypoint with a line break":     {spoilt(`"production"`, `"production","entrypoint":"One\n"`), `API: entrypoint "One\n"`},
		"several mistakes, of which last":  {strings.Replace(spoilt("site", "S"), `"api"`, `"A"`, 1), `service "A"`},
		"several mistakes, of which first": {strings.Replace(spoilt("site", "S"), `"api"`, `"A"`, 1), `project: "S"`},
	} {
		t.Run(name, func(t *testing.T) {
			for _, verb := range []string{"bind", "unbind"} {
				var out bytes.Buffer
				// The client would fail to reach this address, with another error.
				env := map[string]string{EnvToken: token, EnvBaseURL: "http://127.0.0.1:1"}
				err := Run(t.Context(), verb, strings.NewReader(test.request), &out, func(name string) string { return env[name] })
				if err == nil || !strings.HasPrefix(err.Error(), verb+": ") || !strings.Contains(err.Error(), test.want) {
					t.Errorf("%s: the error is %.300v, want %q in it", verb, err, test.want)
				}
				if out.Len() > 0 {
					t.Errorf("%s: the answer is %q", verb, out.String())
				}
			}
		})
	}
}

func TestRun_badEnvironment(t *testing.T) {
	for name, url := range map[string]string{
		"URL with a password":                 "https://user:hunter2@api.example.com",
		"URL with a password but no slashes":  "https:user:hunter2@api.example.com",
		"URL with a query":                    "https://api.example.com/client/v4?token=hunter2",
		"URL with an empty query":             "https://api.example.com/client/v4?",
		"URL with a fragment":                 "https://api.example.com/#hunter2",
		"URL without a host":                  "https:///client/v4",
		"URL of a port alone":                 "https://:443",
		"URL with a line break":               "https://api.example.com\n",
		"URL of a file":                       "file:///etc/passwd",
		"URL of a host that begins like this": "http://127.0.0.1.example.com",
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			env := map[string]string{EnvToken: token, EnvBaseURL: url}
			err := Run(t.Context(), "bind", strings.NewReader(goodRequest), &out, func(name string) string { return env[name] })
			if err == nil || !strings.HasPrefix(err.Error(), "bind: "+EnvBaseURL+": ") || strings.Contains(err.Error(), "hunter2") || out.Len() > 0 {
				t.Errorf("the error is %v, the answer %q", err, out.String())
			}
		})
	}
}
