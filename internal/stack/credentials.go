package stack

import (
	"cmp"
	"net/http"
	"regexp"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"portfolio-infra/internal/cloudflare"
	"portfolio-infra/internal/rest"
)

// Account is an account at Cloudflare and how to reach it.
type Account struct {
	AccountID, Token, BaseURL string
	// CommandEnv has the token and the address if the configuration has them. If not, the
	// stack's commands find them in their environment, as the program does.
	CommandEnv pulumi.StringMap
}

// client returns a client for the program's own calls.
func (a Account) client(transport *http.Client) *cloudflare.Client {
	return &cloudflare.Client{AccountID: a.AccountID, Token: a.Token, BaseURL: a.BaseURL, HTTP: transport}
}

// account reads the account, and the Cloudflare provider's configuration or else its
// environment.
func (r *reader) account() Account {
	a := Account{CommandEnv: pulumi.StringMap{}}
	if token := r.text("cloudflare:apiToken"); token != "" {
		a.CommandEnv[cloudflare.EnvToken] = pulumi.ToSecret(pulumi.String(token)).(pulumi.StringOutput)
	}
	if url := r.text("cloudflare:baseUrl"); url != "" {
		a.CommandEnv[cloudflare.EnvBaseURL] = pulumi.String(url)
	}
	a.AccountID = cmp.Or(r.text("accountId"), r.program.Getenv("CLOUDFLARE_ACCOUNT_ID"))
	a.Token = cmp.Or(r.text("cloudflare:apiToken"), r.program.Getenv(cloudflare.EnvToken))
	a.BaseURL = cmp.Or(r.text("cloudflare:baseUrl"), r.program.Getenv(cloudflare.EnvBaseURL))
	switch {
	case a.AccountID == "":
		r.problem("accountId", "not set: run `pulumi config set accountId ID` or set CLOUDFLARE_ACCOUNT_ID; the dashboard shows the ID under Workers & Pages")
	case !cloudflare.IsAccountID(a.AccountID):
		r.problem("accountId", "%q (or CLOUDFLARE_ACCOUNT_ID) must be 32 hexadecimal digits, as the dashboard shows under Workers & Pages", a.AccountID)
	}
	r.credential("cloudflare:apiToken", cloudflare.EnvToken, a.Token, "an API token, made at dash.cloudflare.com/profile/api-tokens")
	if a.BaseURL != "" {
		if err := rest.CheckBaseURL(a.BaseURL); err != nil {
			r.problem("cloudflare:baseUrl", "%v (or %s)", err, cloudflare.EnvBaseURL)
		}
	}
	return a
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
