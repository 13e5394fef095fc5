package binding

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"portfolio-infra/internal/cloudflare"
	"portfolio-infra/internal/rest"
)

// Names of the environment variables that the commands read.
const (
	// EnvToken and EnvBaseURL are those of the Cloudflare provider.
	EnvToken   = "CLOUDFLARE_API_TOKEN"
	EnvBaseURL = "CLOUDFLARE_BASE_URL"
	// envPrevious is set by the command provider.
	// https://www.pulumi.com/registry/packages/command/api-docs/local/command/
	envPrevious = "PULUMI_COMMAND_STDOUT"
)

// Run runs one sub-command: verb is "bind" or "unbind". It reads a [Request]
// from in and writes a [Result] as one line to out.
func Run(ctx context.Context, verb string, in io.Reader, out io.Writer, getenv func(string) string) error {
	do := bind
	if verb == "unbind" {
		do = unbind
	}
	request, err := readRequest(in)
	if err != nil {
		return fmt.Errorf("%s: %w", verb, err)
	}
	client := &cloudflare.Client{
		Token:     getenv(EnvToken),
		AccountID: request.AccountID,
		BaseURL:   getenv(EnvBaseURL),
		OnWait: func(_ context.Context, d time.Duration, why string) {
			fmt.Fprintf(os.Stderr, "waiting %s: %s\n", d.Round(time.Second), why)
		},
	}
	if client.Token == "" {
		return fmt.Errorf("%s: no API token: set %s, or `pulumi config set --secret cloudflare:apiToken`", verb, EnvToken)
	}
	if err := rest.CheckBaseURL(cmp.Or(client.BaseURL, cloudflare.DefaultBaseURL)); err != nil {
		return fmt.Errorf("%s: %s: %w", verb, EnvBaseURL, err)
	}
	result, err := do(ctx, client, request, previous(getenv(envPrevious)), time.Now)
	if err != nil {
		return fmt.Errorf("%s: %w", verb, err)
	}
	return json.NewEncoder(out).Encode(result)
}

// previous reads the answer of the run before this one. There is none at first,
// and one that cannot be read says no more than none.
func previous(line string) Result {
	var r Result
	if json.Unmarshal([]byte(line), &r) != nil {
		return Result{}
	}
	return r
}
