package deployment

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"portfolio-infra/internal/cloudflare"
	"portfolio-infra/internal/rest"
)

// Names of the environment variables that the commands read: those of the Cloudflare
// provider.
const (
	EnvToken   = "CLOUDFLARE_API_TOKEN"
	EnvBaseURL = "CLOUDFLARE_BASE_URL"
)

// Run runs one sub-command: verb is "deploy" or "undeploy". It reads a [Request] from in,
// writes a [Result] as one line to out, and what it is doing to log.
func Run(ctx context.Context, verb string, in io.Reader, out, log io.Writer, getenv func(string) string) error {
	request, err := readRequest(in)
	if err != nil {
		return fmt.Errorf("%s: %w", verb, err)
	}
	if getenv(EnvToken) == "" {
		return fmt.Errorf("%s: no API token: set %s, or `pulumi config set --secret cloudflare:apiToken`", verb, EnvToken)
	}
	base := getenv(EnvBaseURL)
	if err := rest.CheckBaseURL(cmp.Or(base, cloudflare.DefaultBaseURL)); err != nil {
		return fmt.Errorf("%s: %s: %w", verb, EnvBaseURL, err)
	}
	d := &deployer{
		client: &cloudflare.Client{
			Token: getenv(EnvToken), AccountID: request.AccountID, BaseURL: base,
			OnWait: func(_ context.Context, d time.Duration, reason string) {
				fmt.Fprintf(log, "waiting %s: %s\n", d.Round(time.Second), reason)
			},
		},
		// A redirect is an answer.
		http: &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
		log:  log, Request: request,
	}
	if verb == "undeploy" {
		err = d.undeploy(ctx)
	} else {
		var result Result
		if result, err = d.deploy(ctx); err == nil {
			return json.NewEncoder(out).Encode(result)
		}
	}
	if err != nil {
		return fmt.Errorf("%s: %w", verb, err)
	}
	return nil
}

// hasNode reports whether compatibility flags give the runtime Node's modules.
// https://developers.cloudflare.com/workers/configuration/compatibility-flags/#nodejs-compatibility-flag
func hasNode(flags []string) bool {
	return slices.Contains(flags, "nodejs_compat") || slices.Contains(flags, "nodejs_compat_v2")
}
