package binding

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"portfolio-infra/internal/cloudflare"
)

// envPrevious is the environment variable in which the command provider keeps the standard
// output of the previous run.
// https://www.pulumi.com/registry/packages/command/api-docs/local/command/
const envPrevious = "PULUMI_COMMAND_STDOUT"

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
	client, err := cloudflare.NewClient(request.AccountID, getenv, hc, progress)
	if err != nil {
		return Result{}, err
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
