package cloudflare

import (
	"context"
	"net/http"
	"time"

	"portfolio-infra/internal/rest"
)

// The asset calls store the files of deployments by keys that depend on their content. Cloudflare
// does not document these calls; wrangler has made them since 2022.
// https://github.com/cloudflare/workers-sdk/blob/main/packages/wrangler/src/pages/upload.ts

// uploadTimeout is the timeout of a call with a large body. The largest has 40 MiB of files,
// which take 5 minutes at 1.5 Mbit/s.
const uploadTimeout = 5 * time.Minute

// codeUnauthorized is the code of an asset call whose token has expired.
// https://github.com/cloudflare/workers-sdk/blob/main/packages/wrangler/src/pages/errors.ts
const codeUnauthorized = "8000013"

// UploadToken returns the token that the asset calls need in place of the API token. It is a JWT
// that is valid for some minutes.
func (c *Client) UploadToken(ctx context.Context, project string) (string, error) {
	got, err := get[struct {
		JWT string `json:"jwt"`
	}](ctx, c, projectNotFound, "/pages/projects/%s/upload-token", project)
	return got.JWT, err
}

// MissingAssets returns the keys that are not stored yet.
func (c *Client) MissingAssets(ctx context.Context, token string, keys []string) ([]string, error) {
	var missing result[[]string]
	err := c.asset(ctx, token, "check-missing", hashesRequest{keys}, &missing)
	return missing.value, err
}

// UploadAssets stores files. The body is a JSON list of objects with a key, the value in base64,
// base64: true, and metadata with a contentType.
func (c *Client) UploadAssets(ctx context.Context, token string, body rest.Body) error {
	return c.asset(ctx, token, "upload", body, new(rest.Object))
}

// UpsertHashes makes the store keep the keys for later deployments.
func (c *Client) UpsertHashes(ctx context.Context, token string, keys []string) error {
	return c.asset(ctx, token, "upsert-hashes", hashesRequest{keys}, new(rest.Object))
}

// hashesRequest is the body of a call about some keys.
type hashesRequest struct {
	Hashes []string `json:"hashes"`
}

// IsTokenExpired reports whether an asset call was refused because of its token. The API may
// accept another token.
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
		return suggest(e, "run it again; if that does not help, see www.cloudflarestatus.com")
	}
	return r.DoIdempotent(ctx, http.MethodPost, rest.Path("/pages/assets/%s", call), in, out)
}
