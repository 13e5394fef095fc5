package pages

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"portfolio-infra/internal/cloudflare"
	"portfolio-infra/internal/rest"
)

// Command returns the command line that runs verb ("bind", "unbind", "deploy" or "undeploy") in
// the project's folder. The path is relative, so that the state is the same on every machine;
// Pulumi.yaml's buildTarget puts the program there. A fresh checkout has no program yet; deploy
// and undeploy then say so.
func Command(verb string) string {
	command := "bin/portfolio " + verb
	if verb == "bind" || verb == "unbind" {
		return command
	}
	return `test -x bin/portfolio || { echo "bin/portfolio does not exist: run make build, then run it again" >&2; exit 1; }; ` + command
}

// Run runs one sub-command of the stack's resources: verb is "bind", "unbind", "deploy" or
// "undeploy". It reads the request from in, writes the result as one line to out, and its
// progress to log. undeploy has no result.
func Run(ctx context.Context, verb string, in io.Reader, out, log io.Writer, getenv func(string) string) error {
	if err := run(ctx, verb, in, out, log, getenv, nil); err != nil {
		return fmt.Errorf("%s: %w", verb, err)
	}
	return nil
}

// run is [Run] with the transport of all requests. Nil is the default one.
func run(ctx context.Context, verb string, in io.Reader, out, log io.Writer, getenv func(string) string, transport http.RoundTripper) (err error) {
	if transport == nil {
		transport = rest.NewTransport()
	}
	log = &lockedWriter{w: log}
	var result any
	switch verb {
	case "undeploy":
		stay(in, log)
		return nil
	case "deploy":
		result, err = runDeploy(ctx, in, log, getenv, transport)
	default:
		result, err = runBind(ctx, verb, in, log, getenv, transport)
	}
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(result)
}

func runBind(ctx context.Context, verb string, in io.Reader, log io.Writer, getenv func(string) string, transport http.RoundTripper) (BindResult, error) {
	request, err := readRequest[BindRequest](in)
	if err != nil {
		return BindResult{}, err
	}
	client, err := cloudflare.NewClient(request.AccountID, getenv, &http.Client{Transport: transport}, log)
	if err != nil {
		return BindResult{}, err
	}
	do := bind
	if verb == "unbind" {
		do = unbind
	}
	return do(ctx, client, request, parsePrevious(getenv(envPrevious)), time.Now)
}

// envPrevious is the environment variable in which the command provider passes the standard
// output of the previous run.
// https://www.pulumi.com/registry/packages/command/api-docs/local/command/
const envPrevious = "PULUMI_COMMAND_STDOUT"

// parsePrevious returns the result of the previous run. The first run has none, and an
// unreadable one counts as none.
func parsePrevious(line string) BindResult {
	var r BindResult
	if json.Unmarshal([]byte(line), &r) != nil {
		return BindResult{}
	}
	return r
}

func runDeploy(ctx context.Context, in io.Reader, log io.Writer, getenv func(string) string, transport http.RoundTripper) (DeployResult, error) {
	request, err := readRequest[DeployRequest](in)
	if err != nil {
		return DeployResult{}, err
	}
	client, err := cloudflare.NewClient(request.AccountID, getenv, &http.Client{Transport: transport}, log)
	if err != nil {
		return DeployResult{}, err
	}
	d := &deployer{
		client: client,
		// A redirect is an answer too.
		http: &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
		log:  log, DeployRequest: request, since: driftSince(getenv(EnvDrift)),
	}
	return d.deploy(ctx)
}

// lockedWriter is for the uploads, which run in parallel.
type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}
