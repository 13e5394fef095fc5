package cloudflare

import (
	"context"
	"net/http"
	"time"

	"portfolio-infra/internal/rest"
)

// The asset calls store the files of deployments under keys that depend on their content.
// Cloudflare does not document them; wrangler has made them since 2022.
// https://github.com/cloudflare/workers-sdk/blob/main/packages/wrangler/src/pages/upload.ts

// uploadTimeout is that of a call with a large body: the largest has 40 MiB of files, which
// take 5 minutes at 1.5 Mbit/s.
const uploadTimeout = 5 * time.Minute

// codeUnauthorized is the code of an asset call whose token has expired.
// https://github.com/cloudflare/workers-sdk/blob/main/packages/wrangler/src/pages/errors.ts
const codeUnauthorized = "8000013"

// UploadToken returns the token that the asset calls take in place of the API token. It
// is a JWT that is valid for some minutes.
func (c *Client) UploadToken(ctx context.Context, project string) (string, error) {
	got, err := get[struct {
		JWT string `json:"jwt"`
	}](ctx, c, projectNotFound, "/pages/projects/%s/upload-token", project)
	return got.JWT, err
}

// MissingAssets returns those of the keys that are not stored yet.
func (c *Client) MissingAssets(ctx context.Context, token string, keys []string) ([]string, error) {
	var missing result[[]string]
	err := c.asset(ctx, token, "check-missing", hashesRequest{keys}, &missing)
	return missing.value, err
}

// UploadAssets stores files. The body is a JSON list of objects with key, value in base64,
// base64 as true, and metadata with contentType.
func (c *Client) UploadAssets(ctx context.Context, token string, body rest.Body) error {
	return c.asset(ctx, token, "upload", body, new(object))
}

// UpsertHashes makes the store keep the keys for coming deployments.
func (c *Client) UpsertHashes(ctx context.Context, token string, keys []string) error {
	return c.asset(ctx, token, "upsert-hashes", hashesRequest{keys}, new(object))
}

// hashesRequest has the keys that a call is about.
type hashesRequest struct {
	Hashes []string `json:"hashes"`
}

// IsTokenExpired reports whether an asset call was refused because of its token. Another
// token may be accepted.
func IsTokenExpired(err error) bool {
	return rest.Code(err) == codeUnauthorized || rest.StatusIs(err, http.StatusUnauthorized)
}

// asset makes an asset call. Each may be repeated.
func (c *Client) asset(ctx context.Context, token, call string, in, out any) error {
	r := c.rest("")
	r.AttemptTimeout = uploadTimeout
	r.Header = http.Header{"Authorization": {"Bearer " + token}}
	r.Suggestion = func(e *rest.Error) string {
		if IsTokenExpired(e) {
			return "run it again: it uploads only what is missing"
		}
		return suggest(e, "run it again; if that does not help, look at www.cloudflarestatus.com")
	}
	return r.DoIdempotent(ctx, http.MethodPost, rest.Path("/pages/assets/%s", call), in, out)
}
