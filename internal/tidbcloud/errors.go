package tidbcloud

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"portfolio-infra/internal/rest"
)

// decodeError decodes the errors of both APIs:
//
//   - Clusters: {"code": 49900007, "message": "…", "details": […]}. The code is the status or a
//     business code, and the details may have "bizErrorCode: 49900001".
//   - SQL users: {"code": "…", "error": "…" or {…}, "msgPrefix": "…", "status": 400}.
func decodeError(_ int, _ http.Header, body []byte) (code, message string) {
	var e struct {
		Code      json.RawMessage `json:"code"`
		Message   string          `json:"message"`
		Details   json.RawMessage `json:"details"`
		Error     json.RawMessage `json:"error"`
		MsgPrefix string          `json:"msgPrefix"`
	}
	// A field of another type does not hinder the others.
	_ = json.Unmarshal(body, &e)
	code = text(e.Code)
	if biz := bizErrorCode.FindSubmatch(e.Details); biz != nil {
		code = string(biz[1])
	}
	message = cmp.Or(e.Message, text(e.Error))
	if e.MsgPrefix != "" {
		message = strings.TrimSuffix(e.MsgPrefix+": "+message, ": ")
	}
	return code, message
}

var bizErrorCode = regexp.MustCompile(`bizErrorCode: *"?(\d+)`)

// text returns a JSON value for people, a string without its quotes.
func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	return string(raw)
}

// quotaExceeded matches what the API says when an organization may have no more clusters or
// branches. spendingLimit matches messages that are about something else, unless numberOf says that
// a spending limit is only the way out.
var (
	numberOf      = regexp.MustCompile(`(?i)(number|quota) of (\w+ ){0,2}(clusters|instances|branches)`)
	spendingLimit = regexp.MustCompile(`(?i)spending.?limit`)
	quotaExceeded = regexp.MustCompile(`(?i)quota|maximum number|free cluster|limit (has been |is )?(reached|exceeded)|exceeds? the .*limit`)
)

// largeParent matches what the API says of a cluster that holds too much for a branch, and
// essential of one whose plan has no branches. Both are assumed: no document has the texts.
var (
	largeParent = regexp.MustCompile(`(?i)\bGiB\b|too large`)
	essential   = regexp.MustCompile(`(?i)essential`)
)

// BranchLimit reports whether the API refused to create a branch because of a limit.
func BranchLimit(err error) bool {
	var e *rest.Error
	return errors.As(err, &e) && branchLimit(e) != ""
}

// ClusterLimit reports whether the API refused to create a cluster because of a limit.
func ClusterLimit(err error) bool {
	var e *rest.Error
	return errors.As(err, &e) && clusterLimit(e) != ""
}

// refusedPOST reports whether the API refused to create something on a list.
func refusedPOST(e *rest.Error, list string) bool {
	return e.Method == http.MethodPost && strings.HasSuffix(e.URL, list) && slices.Contains([]int{400, 402, 403, 409, 422}, e.Status)
}

// isQuota reports whether the API says that an organization may have no more of something.
func isQuota(e *rest.Error) bool {
	return quotaExceeded.MatchString(e.Message) && (!spendingLimit.MatchString(e.Message) || numberOf.MatchString(e.Message))
}

// clusterLimit returns what to do about a limit that a new cluster would exceed, or "".
// https://docs.pingcap.com/tidbcloud/manage-serverless-spend-limit has the five free ones, and the
// release notes of 2026-06-02 have the hundred.
func clusterLimit(e *rest.Error) string {
	if !refusedPOST(e, "/clusters") || !isQuota(e) {
		return ""
	}
	return "an organization may have five free clusters, and 100 Starter clusters and branches together: delete one that nobody needs, " +
		"such as that of a closed pull request, or set a spending limit to pay for this one (config key spendingLimit)"
}

// branchLimit returns what to do about a limit that a new branch would exceed, or "".
// https://docs.pingcap.com/tidbcloud/branch-overview/#limitations-and-quotas
func branchLimit(e *rest.Error) string {
	switch {
	case !refusedPOST(e, "/branches"):
	case largeParent.MatchString(e.Message):
		return "a cluster that holds more than 100 GiB can have no branches: use a cluster of its own instead"
	case essential.MatchString(e.Message):
		return "an Essential cluster created since 2026-07-14 can have no branches: use a cluster of its own instead"
	case isQuota(e):
		return "an organization may have five branches by default, and 100 Starter clusters and branches together: delete a branch that nobody needs"
	}
	return ""
}

// permanent matches lists that TiDB Cloud always has. A 404 for one comes from another server.
var permanent = regexp.MustCompile(`/(regions|projects)\b`)

// suggest returns one sentence that says what to do about an error. It names config keys.
func suggest(e *rest.Error) string {
	if limit := cmp.Or(branchLimit(e), clusterLimit(e)); limit != "" {
		return limit
	}
	switch e.Status {
	case http.StatusUnauthorized:
		return "check the API key: tidbcloud:publicKey and tidbcloud:privateKey, or TIDBCLOUD_PUBLIC_KEY and TIDBCLOUD_PRIVATE_KEY"
	case http.StatusPaymentRequired:
		return "add a payment method under Billing in the TiDB Cloud console"
	case http.StatusForbidden:
		return "the API key may not do this: it must belong to the cluster's organization and have a role that manages its project"
	case http.StatusNotFound:
		if call := permanent.FindString(e.URL); call != "" {
			return "check the endpoints, tidbcloud:serverlessEndpoint and tidbcloud:iamEndpoint (or TIDBCLOUD_SERVERLESS_ENDPOINT and TIDBCLOUD_IAM_ENDPOINT): " +
				"they must end in /v1beta1, below which TiDB Cloud has " + call
		}
		return "check in the TiDB Cloud console that it exists in the API key's organization, then run `pulumi refresh`"
	case http.StatusTooManyRequests:
		return "TiDB Cloud allows 100 requests a minute for one API key: wait a minute, or give concurrent runs keys of their own"
	}
	switch {
	case errors.Is(e.Err, context.Canceled) || errors.Is(e.Err, context.DeadlineExceeded):
		return "" // the caller ended the call
	case e.Status >= 500:
		return "check https://status.tidbcloud.com, then run it again"
	case e.Status == 0:
		return "check the network (and HTTPS_PROXY, if there is a proxy), then run it again"
	case e.Status < 300:
		return "TiDB Cloud does not answer like this: check for a proxy in between, then run it again"
	}
	return ""
}
