package stack

import (
	"net/http"
	"regexp"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/config"

	"portfolio-infra/internal/binding"
	"portfolio-infra/internal/cloudflare"
)

// Access is how the program itself reaches the Cloudflare API, beside the
// provider: to see drift of the binding, and what stands in the way of a create.
type Access struct {
	Token string
	// TokenFromConfig says that the token is the config's secret. One that comes
	// from the environment must not enter the state.
	TokenFromConfig bool
	// BaseURL is empty for the real API. BaseURLFromConfig is as TokenFromConfig.
	BaseURL           string
	BaseURLFromConfig bool

	http *http.Client
}

// client returns a client for the account.
func (a Access) client(accountID string) *cloudflare.Client {
	return &cloudflare.Client{Token: a.Token, AccountID: accountID, BaseURL: a.BaseURL, HTTP: a.http}
}

// cloudflare reads the provider's own config and environment, config first.
func (r *reader) cloudflare() Access {
	cf := config.New(r.ctx, "cloudflare")
	a := Access{Token: cf.Get("apiToken"), BaseURL: cf.Get("baseUrl"), http: r.program.HTTP}
	a.TokenFromConfig, a.BaseURLFromConfig = a.Token != "", a.BaseURL != ""
	if !a.TokenFromConfig {
		a.Token = r.program.Getenv(binding.EnvToken)
	}
	if !a.BaseURLFromConfig {
		a.BaseURL = r.program.Getenv(binding.EnvBaseURL)
	}
	r.credential("cloudflare:apiToken", binding.EnvToken, a.Token, "an API token, made at dash.cloudflare.com/profile/api-tokens")
	if a.BaseURL != "" {
		if err := binding.CheckBaseURL(a.BaseURL); err != nil {
			r.problem("cloudflare:baseUrl", "%v (or %s)", err, binding.EnvBaseURL)
		}
	}
	return a
}

// tidbcloud checks the keys that the provider will read by itself, so that a
// missing one is reported together with the rest.
func (r *reader) tidbcloud() {
	tc := config.New(r.ctx, "tidbcloud")
	for _, k := range []struct{ name, env string }{
		{"publicKey", "TIDBCLOUD_PUBLIC_KEY"},
		{"privateKey", "TIDBCLOUD_PRIVATE_KEY"},
	} {
		v := tc.Get(k.name)
		if v == "" {
			v = r.program.Getenv(k.env)
		}
		r.credential("tidbcloud:"+k.name, k.env, v, "an API key, made at tidbcloud.com/org-settings/api-keys")
	}
}

// credentialPattern is a header value that no client mangles.
var credentialPattern = regexp.MustCompile(`^[!-~]{8,512}$`)

// credential checks a key or token without ever showing it.
func (r *reader) credential(key, env, value, what string) {
	switch {
	case value == "":
		r.problem(key, "it is not set: run `pulumi config set --secret %s` or set %s: %s", key, env, what)
	case !credentialPattern.MatchString(value):
		r.problem(key, "it (or %s) cannot be read: it is too short or long, or holds spaces, line breaks or letters "+
			"that no key has: copy it again: %s", env, what)
	}
}
