package binding

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
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
	result, err := run(ctx, verb, in, getenv, nil, os.Stderr)
	if err != nil {
		return fmt.Errorf("%s: %w", verb, err)
	}
	return json.NewEncoder(out).Encode(result)
}

// run is [Run] with the HTTP client, nil for the default one, and where waits are shown.
func run(ctx context.Context, verb string, in io.Reader, getenv func(string) string, hc *http.Client, progress io.Writer) (Result, error) {
	request, err := readRequest(in)
	if err != nil {
		return Result{}, err
	}
	client := &cloudflare.Client{
		Token:     getenv(EnvToken),
		AccountID: request.AccountID,
		BaseURL:   getenv(EnvBaseURL),
		HTTP:      hc,
		OnWait: func(_ context.Context, d time.Duration, reason string) {
			fmt.Fprintf(progress, "waiting %s: %s\n", d.Round(time.Second), reason)
		},
	}
	if client.Token == "" {
		return Result{}, fmt.Errorf("no API token: set %s, or `pulumi config set --secret cloudflare:apiToken`", EnvToken)
	}
	if err := rest.CheckBaseURL(cmp.Or(client.BaseURL, cloudflare.DefaultBaseURL)); err != nil {
		return Result{}, fmt.Errorf("%s: %w", EnvBaseURL, err)
	}
	do := bind
	if verb == "unbind" {
		do = unbind
	}
	return do(ctx, client, request, parsePrevious(getenv(envPrevious)), time.Now)
}

// parsePrevious returns the result of the previous run. There is none at first, and an
// unreadable one counts as none.
func parsePrevious(line string) Result {
	var r Result
	if json.Unmarshal([]byte(line), &r) != nil {
		return Result{}
	}
	return r
}
