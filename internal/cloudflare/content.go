package cloudflare

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
)

// ScriptSHA256 returns the hash of a Worker's content in hexadecimal. With one module that is the
// hash of the uploaded file, and otherwise that of all modules in order. If the Worker is
// missing, [IsNotFound] is true for the error.
//
// The API returns the content as it was uploaded: the Cloudflare provider compares the hash of
// the first module with the file's.
// https://developers.cloudflare.com/api/resources/workers/subresources/scripts/subresources/content/methods/get/
func (c *Client) ScriptSHA256(ctx context.Context, name string) (string, error) {
	var sum contentSum
	err := c.rest(workerNotFound).Do(ctx, http.MethodGet, c.path("/workers/scripts/%s/content/v2", name), nil, &sum)
	return string(sum), err
}

// contentSum is the hash of a Worker's modules, which come as multipart, or of a service
// worker's script.
type contentSum string

// DecodeResponse implements [rest.ResponseDecoder].
func (s *contentSum) DecodeResponse(header http.Header, body []byte) error {
	media, params, err := mime.ParseMediaType(header.Get("Content-Type"))
	if err != nil {
		return err
	}
	sum := sha256.New()
	switch {
	case strings.HasSuffix(media, "/javascript"):
		sum.Write(body)
	case strings.HasPrefix(media, "multipart/"):
		form := multipart.NewReader(bytes.NewReader(body), params["boundary"])
		for {
			part, err := form.NextRawPart()
			if err == io.EOF {
				break
			}
			if err != nil {
				return err
			}
			if _, err := io.Copy(sum, part); err != nil {
				return err
			}
		}
	default:
		return fmt.Errorf("a Worker's content of type %q", media)
	}
	*s = contentSum(hex.EncodeToString(sum.Sum(nil)))
	return nil
}
