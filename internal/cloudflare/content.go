package cloudflare

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"

	"portfolio-infra/internal/rest"
)

// ScriptSHA256 returns the hash of a Worker's content, in hexadecimal. It is the hash
// of the file that was uploaded if that was the only module; a Worker of several has
// the hash of them all. Its absence is an error, see [IsNotFound].
//
// The content comes back byte by byte: the Cloudflare provider compares the hash of its
// first module with that of the file.
// https://developers.cloudflare.com/api/resources/workers/subresources/scripts/subresources/content/methods/get/
func (c *Client) ScriptSHA256(ctx context.Context, name string) (string, error) {
	var raw rest.Raw
	path := c.path("/workers/scripts/%s/content/v2", name)
	if err := c.rest(findWorker).Do(ctx, http.MethodGet, path, nil, &raw); err != nil {
		return "", err
	}
	sum, err := hashContent(raw)
	if err != nil {
		e := &rest.Error{Service: "Cloudflare", Method: http.MethodGet, URL: cmp.Or(c.BaseURL, DefaultBaseURL) + path,
			Status: http.StatusOK, RequestID: raw.Header.Get("Cf-Ray"), Err: fmt.Errorf("reading the Worker's content: %w", err)}
		e.Suggestion = suggest(e, findWorker)
		return "", e
	}
	return sum, nil
}

// hashContent hashes the modules of a Worker, or the one script of an old kind, which
// comes as it is.
func hashContent(raw rest.Raw) (string, error) {
	media, params, err := mime.ParseMediaType(raw.Header.Get("Content-Type"))
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	switch {
	case strings.HasSuffix(media, "/javascript"):
		sum.Write(raw.Body)
		return hex.EncodeToString(sum.Sum(nil)), nil
	case !strings.HasPrefix(media, "multipart/"):
		return "", fmt.Errorf("it is of type %q", media)
	}
	form := multipart.NewReader(bytes.NewReader(raw.Body), params["boundary"])
	for {
		part, err := form.NextRawPart()
		if err == io.EOF {
			return hex.EncodeToString(sum.Sum(nil)), nil
		}
		if err != nil {
			return "", err
		}
		if _, err := io.Copy(sum, part); err != nil {
			return "", err
		}
	}
}
