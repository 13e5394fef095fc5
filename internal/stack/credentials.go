package stack

import (
	"cmp"
	"regexp"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"portfolio-infra/internal/cloudflare"
	"portfolio-infra/internal/rest"
)

// cloudflare reads the account, and the Cloudflare provider's configuration or else its
// environment.
func (r *reader) cloudflare(c *Config) {
	c.CommandEnv = pulumi.StringMap{}
	if token := r.text("cloudflare:apiToken"); token != "" {
		c.CommandEnv[cloudflare.EnvToken] = pulumi.ToSecret(pulumi.String(token)).(pulumi.StringOutput)
	}
	if url := r.text("cloudflare:baseUrl"); url != "" {
		c.CommandEnv[cloudflare.EnvBaseURL] = pulumi.String(url)
	}
	c.AccountID = cmp.Or(r.text("accountId"), r.program.Getenv("CLOUDFLARE_ACCOUNT_ID"))
	c.Token = cmp.Or(r.text("cloudflare:apiToken"), r.program.Getenv(cloudflare.EnvToken))
	c.BaseURL = cmp.Or(r.text("cloudflare:baseUrl"), r.program.Getenv(cloudflare.EnvBaseURL))
	switch {
	case c.AccountID == "":
		r.problem("accountId", "not set: run `pulumi config set accountId ID` or set CLOUDFLARE_ACCOUNT_ID; the dashboard shows the ID under Workers & Pages")
	case !cloudflare.IsAccountID(c.AccountID):
		r.problem("accountId", "%q (or CLOUDFLARE_ACCOUNT_ID) must be 32 hexadecimal digits, as the dashboard shows under Workers & Pages", c.AccountID)
	}
	r.credential("cloudflare:apiToken", cloudflare.EnvToken, c.Token, "an API token, made at dash.cloudflare.com/profile/api-tokens")
	if c.BaseURL != "" {
		if err := rest.CheckBaseURL(c.BaseURL); err != nil {
			r.problem("cloudflare:baseUrl", "%v (or %s)", err, cloudflare.EnvBaseURL)
		}
	}
}

// tidbcloud checks the keys that the provider reads itself, so that a missing one is
// reported with the other problems.
func (r *reader) tidbcloud() {
	for _, k := range [][2]string{{"tidbcloud:publicKey", "TIDBCLOUD_PUBLIC_KEY"}, {"tidbcloud:privateKey", "TIDBCLOUD_PRIVATE_KEY"}} {
		value := cmp.Or(r.text(k[0]), r.program.Getenv(k[1]))
		r.credential(k[0], k[1], value, "an API key, made at tidbcloud.com/org-settings/api-keys")
	}
}

// credentialPattern is a header value that no client alters.
var credentialPattern = regexp.MustCompile(`^[!-~]{8,512}$`)

// credential checks a key or token without ever showing it.
func (r *reader) credential(key, env, value, what string) {
	switch {
	case value == "":
		r.problem(key, "not set: run `pulumi config set --secret %s` or set %s: %s", key, env, what)
	case !credentialPattern.MatchString(value):
		r.problem(key, "the value (or %s) must be 8 to 512 characters without spaces and line breaks; copy it again: %s", env, what)
	}
}
