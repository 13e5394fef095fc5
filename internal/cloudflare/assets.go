package cloudflare

import (
	"context"
	"net/http"

	"portfolio-infra/internal/rest"
)

// The asset calls store the files of deployments, by keys that their contents have.
// Cloudflare does not document them; wrangler has made them since 2022.
// https://github.com/cloudflare/workers-sdk/blob/main/packages/wrangler/src/pages/upload.ts

// UploadToken returns the token that the asset calls take in place of the API token. It
// is a JWT, valid for some minutes.
func (c *Client) UploadToken(ctx context.Context, project string) (string, error) {
	got, err := get[struct {
		JWT string `json:"jwt"`
	}](ctx, c, findProject, "/pages/projects/%s/upload-token", project)
	return got.JWT, err
}

// MissingAssets returns those of the keys that are not stored yet.
func (c *Client) MissingAssets(ctx context.Context, token string, keys []string) ([]string, error) {
	var e envelope[[]string]
	err := c.asset(ctx, token, "check-missing", hashes(keys), &e)
	return e.Result, err
}

// UploadAssets stores files: body is a JSON list of them.
func (c *Client) UploadAssets(ctx context.Context, token string, body rest.Body) error {
	return c.asset(ctx, token, "upload", body, &envelope[any]{})
}

// KeepAssets makes the store keep the keys for coming deployments.
func (c *Client) KeepAssets(ctx context.Context, token string, keys []string) error {
	return c.asset(ctx, token, "upsert-hashes", hashes(keys), &envelope[any]{})
}

func hashes(keys []string) any { return map[string][]string{"hashes": keys} }

// asset makes an asset call. Each may be repeated.
func (c *Client) asset(ctx context.Context, token, call string, in, out any) error {
	r := c.rest(findProject)
	r.Header = http.Header{"Authorization": {"Bearer " + token}}
	return r.DoIdempotent(ctx, http.MethodPost, rest.Path("/pages/assets/%s", call), in, out)
}
