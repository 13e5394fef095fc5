package cloudflare

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"portfolio-infra/internal/rest"
)

// Environment variables with the API token and the base URL. The Cloudflare provider reads them,
// too.
// https://github.com/cloudflare/terraform-provider-cloudflare/blob/main/internal/consts/consts.go
const (
	EnvToken   = "CLOUDFLARE_API_TOKEN"
	EnvBaseURL = "CLOUDFLARE_BASE_URL"
)

// NewClient returns a client with the token and the base URL of an environment. The client prints
// each wait between two tries to progress. If there is no token or the base URL is bad, the
// error names the variable. hc is [Client.HTTP].
func NewClient(accountID string, getenv func(string) string, hc *http.Client, progress io.Writer) (*Client, error) {
	c := &Client{
		Token:     getenv(EnvToken),
		AccountID: accountID,
		BaseURL:   getenv(EnvBaseURL),
		HTTP:      hc,
		OnWait: func(_ context.Context, d time.Duration, reason string) {
			fmt.Fprintf(progress, "waiting %s: %s\n", d.Round(time.Second), reason)
		},
	}
	if c.Token == "" {
		return nil, fmt.Errorf("no API token: set %s, or `pulumi config set --secret cloudflare:apiToken`", EnvToken)
	}
	if err := rest.CheckBaseURL(cmp.Or(c.BaseURL, DefaultBaseURL)); err != nil {
		return nil, fmt.Errorf("%s: %w", EnvBaseURL, err)
	}
	return c, nil
}
