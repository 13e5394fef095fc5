package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"portfolio-infra/internal/cloudflare"
	"portfolio-infra/internal/environment/mark"
	"portfolio-infra/internal/environment/settings"
	"portfolio-infra/internal/rest"
	"portfolio-infra/internal/tidbcloud"
)

// Names of environment variables, as the program and its provider read them.
const (
	envAccount    = "CLOUDFLARE_ACCOUNT_ID"
	envPublicKey  = "TIDBCLOUD_PUBLIC_KEY"
	envPrivateKey = "TIDBCLOUD_PRIVATE_KEY"
	envServerless = "TIDBCLOUD_SERVERLESS_ENDPOINT"
	envIAM        = "TIDBCLOUD_IAM_ENDPOINT"
)

// clouds are both clouds, and whose environments are looked for.
type clouds struct {
	cloudflare *cloudflare.Client
	tidbcloud  *tidbcloud.Client
	repository string
	settings   settings.Settings
}

// newClouds returns the clouds of a process, or one error with all that its environment lacks.
func newClouds(p process) (*clouds, error) {
	s, err := settings.Read(p.folder)
	if err != nil {
		return nil, err
	}
	get := func(name string) string { return strings.TrimSpace(p.getenv(name)) }
	var problems []string
	for _, name := range []string{mark.EnvRepository, envAccount, cloudflare.EnvToken, envPublicKey, envPrivateKey} {
		if get(name) == "" {
			problems = append(problems, fmt.Sprintf("set %s: this command reads it from the environment alone", name))
		}
	}
	if account := get(envAccount); account != "" && !cloudflare.IsAccountID(account) {
		problems = append(problems, fmt.Sprintf("%s: %q is not 32 hexadecimal digits", envAccount, account))
	}
	for _, name := range []string{cloudflare.EnvBaseURL, envServerless, envIAM} {
		if base := get(name); base != "" {
			if err := rest.CheckBaseURL(base); err != nil {
				problems = append(problems, fmt.Sprintf("%s: %v", name, err))
			}
		}
	}
	if len(problems) > 0 {
		return nil, errors.New(strings.Join(problems, "; "))
	}
	c := &clouds{repository: get(mark.EnvRepository), settings: s}
	if c.cloudflare, err = cloudflare.NewClient(get(envAccount), get, &http.Client{Transport: p.transport}, p.stderr); err != nil {
		return nil, err
	}
	c.tidbcloud = &tidbcloud.Client{
		PublicKey: get(envPublicKey), PrivateKey: get(envPrivateKey), ServerlessURL: get(envServerless), IAMURL: get(envIAM), Transport: p.transport,
		OnWait: func(_ context.Context, d time.Duration, reason string) {
			fmt.Fprintf(p.stderr, "waiting %s: %s\n", d.Round(time.Second), reason)
		},
	}
	return c, nil
}
