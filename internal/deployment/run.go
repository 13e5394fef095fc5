package deployment

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"

	"portfolio-infra/internal/cloudflare"
	"portfolio-infra/internal/rest"
)

// Run runs one sub-command of the stack's resource: verb is "deploy" or "undeploy". It reads
// a [Request] from in, writes a [Result] of deploy as one line to out, and its progress to
// log.
func Run(ctx context.Context, verb string, in io.Reader, out, log io.Writer, getenv func(string) string) error {
	if err := run(ctx, verb, in, out, log, getenv, nil); err != nil {
		return fmt.Errorf("%s: %w", verb, err)
	}
	return nil
}

// run is [Run] with the transport of all requests. Nil is the default one.
func run(ctx context.Context, verb string, in io.Reader, out, log io.Writer, getenv func(string) string, transport http.RoundTripper) error {
	if verb == "undeploy" {
		stay(in, log)
		return nil
	}
	request, err := readRequest(in)
	if err != nil {
		return err
	}
	if transport == nil {
		transport = rest.NewTransport()
	}
	log = &lockedWriter{w: log}
	client, err := cloudflare.NewClient(request.AccountID, getenv, &http.Client{Transport: transport}, log)
	if err != nil {
		return err
	}
	d := &deployer{
		client: client,
		// A redirect is an answer too.
		http: &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
		log:  log, Request: request, since: driftSince(getenv(EnvDrift)),
	}
	result, err := d.deploy(ctx)
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(result)
}

// lockedWriter serves the uploads, which run in parallel.
type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}
