package cloudflare

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"portfolio-infra/internal/rest"
)

// Error codes of the API.
const (
	codeUnknownError       = "8000000"
	codeProjectNotFound    = "8000007"
	codeDeploymentNotFound = "8000009"
	codeInvalidBinding     = "8000022"
	codeActiveDeployment   = "8000034"
	codeScriptNotFound     = "10007"
	codeServiceNotFound    = "10090"
	codeBindingNotFound    = "10056"
	codeNoSubdomain        = "10063"
)

// RegisterSubdomain is the suggestion for an account without a workers.dev subdomain. The API
// refuses to upload the first Worker of such an account, with code 10063, so wrangler checks it
// before.
// https://github.com/cloudflare/workers-sdk/blob/main/packages/deploy-helpers/src/deploy/helpers/validate-worker-props.ts
const RegisterSubdomain = "register a workers.dev subdomain once: open Workers & Pages in the dashboard (dash.cloudflare.com), then run it again"

// Suggestions for what the API does not find.
const (
	projectNotFound    = "check the config keys accountId and pagesProject, then run `pulumi refresh`"
	deploymentNotFound = "somebody deleted the deployment: run it again"
	workerNotFound     = "check the config keys accountId and worker, then run `pulumi refresh`"
	accountNotFound    = "check the config key accountId"
)

// IsNotFound reports whether an error says that the project, the deployment or the Worker of a
// call does not exist. A 404 alone does not say so: it also comes from a proxy in between, and
// for a wrong account or an unknown path.
func IsNotFound(err error) bool {
	return rest.StatusIs(err, http.StatusNotFound) &&
		slices.Contains([]string{codeProjectNotFound, codeDeploymentNotFound, codeScriptNotFound, codeServiceNotFound}, rest.Code(err))
}

// decodeError returns the code of the first error and the messages of all.
func decodeError(_ int, _ http.Header, body []byte) (code, message string) {
	var e struct {
		Errors []struct {
			Code    int    `json:"code"`
			Message string `json:"message"`
		} `json:"errors"`
	}
	if json.Unmarshal(body, &e) != nil || len(e.Errors) == 0 {
		return "", ""
	}
	var messages []string
	for _, one := range e.Errors {
		messages = append(messages, one.Message)
	}
	return strconv.Itoa(e.Errors[0].Code), strings.Join(messages, "; ")
}

// suggest returns one sentence that says what to do about an error.
func suggest(e *rest.Error, notFound string) string {
	switch {
	case e.Code == codeInvalidBinding || strings.Contains(e.Message, "Invalid Service name"):
		return "the Worker that a binding names must exist in this account: check the config keys worker, moreBindings and previewBinding"
	case e.Code == codeNoSubdomain:
		return RegisterSubdomain
	case e.Status == http.StatusUnauthorized, e.Code == "10000", e.Code == "9106", e.Code == "6003":
		return "check that the API token (cloudflare:apiToken or CLOUDFLARE_API_TOKEN) is valid and has not expired"
	case e.Status == http.StatusForbidden, e.Code == "9109", e.Code == codeUnauthorized:
		return "check the config key accountId, and that the API token may edit Pages and Workers Scripts of that account"
	case e.Status == http.StatusTooManyRequests:
		return "wait until the limit of 1,200 requests in five minutes has passed, then run it again"
	case e.Status >= 500:
		return "see www.cloudflarestatus.com, then run it again: it resumes where it stopped"
	case e.Status == http.StatusNotFound:
		return notFound
	case e.Status == http.StatusBadRequest:
		return "check the config value that the message names"
	case errors.Is(e.Err, context.Canceled) || errors.Is(e.Err, context.DeadlineExceeded):
		return "" // the caller ended the call
	case e.Status == 0:
		return "check the network (and HTTPS_PROXY, if there is a proxy), then run it again: it resumes where it stopped"
	case e.Status < 300:
		return "see www.cloudflarestatus.com, check for a proxy in between, then run it again"
	}
	return ""
}
