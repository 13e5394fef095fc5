package deployment

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"portfolio-infra/internal/cloudflare"
	"portfolio-infra/internal/rest"
)

// Limits of one upload, as wrangler keeps them.
// https://github.com/cloudflare/workers-sdk/blob/main/packages/wrangler/src/pages/constants.ts
const (
	maxBucket      = 40 << 20 // bytes of content
	maxBucketFiles = 2000
	uploads        = 3 // side by side
)

// uploader uploads the assets of a site to a project.
type uploader struct {
	client  *cloudflare.Client
	project string
	log     io.Writer

	mu    sync.Mutex
	token string
}

// upload stores those of the assets that are missing and returns their number.
func (u *uploader) upload(ctx context.Context, assets []asset) (uploaded int, err error) {
	if err := u.renew(ctx, ""); err != nil {
		return 0, err
	}
	if most := maxFiles(u.token); len(assets) > most {
		return 0, fmt.Errorf("the site has %d files, and Pages takes %d", len(assets), most)
	}
	var keys, missing []string
	byKey := map[string]asset{}
	for _, a := range assets {
		if _, twice := byKey[a.key]; !twice {
			keys = append(keys, a.key)
		}
		byKey[a.key] = a
	}
	err = u.withToken(ctx, func(token string) (err error) {
		missing, err = u.client.MissingAssets(ctx, token, keys)
		return err
	})
	if err != nil {
		return 0, err
	}
	var todo []asset
	for _, key := range missing {
		a, ok := byKey[key]
		if !ok {
			return 0, fmt.Errorf("Cloudflare misses an asset %q that the site does not have", key)
		}
		todo = append(todo, a)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(uploads)
	for _, b := range buckets(todo) {
		group.Go(func() error {
			err := u.withToken(ctx, func(token string) error { return u.client.UploadAssets(ctx, token, b.body()) })
			if err != nil {
				return err
			}
			u.mu.Lock()
			defer u.mu.Unlock()
			uploaded += len(b)
			fmt.Fprintf(u.log, "uploaded %d of %d files\n", uploaded, len(todo))
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return uploaded, err
	}
	// Else unused files go after some time, and the next deployment uploads them again.
	if err := u.withToken(ctx, func(token string) error { return u.client.KeepAssets(ctx, token, keys) }); err != nil {
		fmt.Fprintf(u.log, "the files may have to be uploaded again next time: %v\n", err)
	}
	return uploaded, nil
}

// withToken makes a call, and makes it again with a new token when the token has expired.
func (u *uploader) withToken(ctx context.Context, call func(token string) error) error {
	u.mu.Lock()
	token := u.token
	u.mu.Unlock()
	err := call(token)
	var e *rest.Error
	if !errors.As(err, &e) || e.Status != http.StatusUnauthorized && !cloudflare.IsTokenExpired(err) {
		return err
	}
	if err := u.renew(ctx, token); err != nil {
		return err
	}
	return call(u.token)
}

// renew gets a new token unless somebody else already replaced the old one.
func (u *uploader) renew(ctx context.Context, old string) (err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.token == old {
		u.token, err = u.client.UploadToken(ctx, u.project)
	}
	return err
}

// maxFiles reads from an upload token how many files the account's plan allows.
func maxFiles(token string) int {
	claims := struct {
		Most int `json:"max_file_count_allowed"`
	}{maxAssets}
	if parts := strings.Split(token, "."); len(parts) == 3 {
		if payload, err := base64.RawURLEncoding.DecodeString(parts[1]); err == nil && json.Unmarshal(payload, &claims) != nil {
			return maxAssets
		}
	}
	return claims.Most
}

// bucket is what one call uploads.
type bucket []asset

// buckets spreads assets over as few calls as the limits allow, but over several where
// it can, so that they run side by side.
func buckets(assets []asset) []bucket {
	slices.SortStableFunc(assets, func(a, b asset) int { return int(b.size - a.size) })
	all := make([]bucket, min(uploads, len(assets)))
	sizes := make([]int64, len(all))
	for i, a := range assets {
		n := -1
		for j := range all {
			if k := (i + j) % len(all); sizes[k]+a.size <= maxBucket && len(all[k]) < maxBucketFiles {
				n = k
				break
			}
		}
		if n < 0 {
			n = len(all)
			all, sizes = append(all, nil), append(sizes, 0)
		}
		all[n] = append(all[n], a)
		sizes[n] += a.size
	}
	return all
}

// body is the JSON of an upload. It is made while it is sent, so that no more than a
// buffer of it is in memory.
func (b bucket) body() *rest.Body {
	var size counter
	_ = b.write(&size, func(_ io.Writer, a asset) error {
		size += counter(base64.StdEncoding.EncodedLen(int(a.size)))
		return nil
	})
	return &rest.Body{ContentType: "application/json", Size: int64(size), Open: func() (io.ReadCloser, error) {
		r, w := io.Pipe()
		go func() {
			buffered := bufio.NewWriterSize(w, 64<<10)
			err := b.write(buffered, copyBase64)
			w.CloseWithError(errors.Join(err, buffered.Flush()))
		}()
		return r, nil
	}}
}

func (b bucket) write(w io.Writer, value func(io.Writer, asset) error) error {
	separator := "["
	for _, a := range b {
		if _, err := fmt.Fprintf(w, `%s{"key":%q,"metadata":{"contentType":%q},"base64":true,"value":"`, separator, a.key, a.contentType); err != nil {
			return err
		}
		if err := value(w, a); err != nil {
			return err
		}
		if _, err := io.WriteString(w, `"}`); err != nil {
			return err
		}
		separator = ","
	}
	_, err := io.WriteString(w, "]")
	return err
}

func copyBase64(w io.Writer, a asset) error {
	f, err := os.Open(a.path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	encoder := base64.NewEncoder(base64.StdEncoding, w)
	n, err := io.Copy(encoder, f)
	if err == nil && n != a.size {
		err = fmt.Errorf("%s changed while it was uploaded: run it again", a.name)
	}
	return errors.Join(err, encoder.Close())
}

// counter counts what is written to it.
type counter int64

func (c *counter) Write(b []byte) (int, error) {
	*c += counter(len(b))
	return len(b), nil
}
