package pages

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"portfolio-infra/internal/cloudflare"
	"portfolio-infra/internal/rest"
)

const (
	// parallelUploads is the number of calls that upload at the same time, as in wrangler.
	parallelUploads = 3
	// tokenMargin is how long a token must still be valid when a call begins.
	tokenMargin = 10 * time.Second
	// maxRenewals limits the new tokens for one call.
	maxRenewals = 3
)

// gatewayPauses are the pauses after gateway errors that persist through the tries of a call.
var gatewayPauses = []time.Duration{5 * time.Second, 10 * time.Second, 20 * time.Second, 40 * time.Second}

// uploader uploads the assets of a site to a project.
type uploader struct {
	client  *cloudflare.Client
	project string
	log     io.Writer

	// token has the token in use, or "".
	token chan string
	// congested has a value while an upload is repeated after a gateway error. Only one is
	// repeated at a time.
	congested chan struct{}
}

func newUploader(c *cloudflare.Client, project string, log io.Writer) *uploader {
	u := &uploader{client: c, project: project, log: log, token: make(chan string, 1), congested: make(chan struct{}, 1)}
	u.token <- ""
	return u
}

// upload uploads the assets that are missing and returns their number.
func (u *uploader) upload(ctx context.Context, assets []asset) (uploaded int, err error) {
	token, err := u.validToken(ctx, "")
	if err != nil {
		return 0, err
	}
	if err := checkCount(len(assets), claimsOf(token).MaxFiles); err != nil {
		return 0, err
	}
	byKey := map[string]asset{}
	keys := []string{}
	for _, a := range assets {
		if _, ok := byKey[a.key]; !ok {
			byKey[a.key] = a
			keys = append(keys, a.key)
		}
	}
	missing, err := u.missing(ctx, keys, byKey)
	if err != nil {
		return 0, err
	}
	if err := u.uploadAll(ctx, missing); err != nil {
		return 0, err
	}
	// Without this call Cloudflare deletes files in time, and the next deployment uploads them
	// again.
	err = u.withToken(ctx, func(token string) error { return u.client.UpsertHashes(ctx, token, keys) })
	if err != nil {
		fmt.Fprintf(u.log, "the next deployment may have to upload the files again: %v\n", err)
	}
	return len(missing), ctx.Err()
}

// missing returns the assets that are to be uploaded.
func (u *uploader) missing(ctx context.Context, keys []string, byKey map[string]asset) ([]asset, error) {
	var missing []string
	err := u.withToken(ctx, func(token string) (err error) {
		missing, err = u.client.MissingAssets(ctx, token, keys)
		return err
	})
	if err != nil {
		return nil, err
	}
	var assets []asset
	for _, key := range missing {
		a, ok := byKey[key]
		if !ok {
			return nil, fmt.Errorf("the API lists the file %q as missing, which the site does not have: run it again", key)
		}
		assets = append(assets, a)
	}
	return assets, nil
}

// uploadAll uploads the assets in parallel. After an error it begins no further upload, but
// lets those that are running finish, so that the next run need not repeat them.
func (u *uploader) uploadAll(ctx context.Context, assets []asset) error {
	var uploaded atomic.Int64
	var failed atomic.Bool
	var group errgroup.Group
	group.SetLimit(parallelUploads)
	for _, b := range buckets(assets, parallelUploads) {
		group.Go(func() error {
			if failed.Load() {
				return nil
			}
			if err := u.uploadBucket(ctx, b); err != nil {
				failed.Store(true)
				return err
			}
			fmt.Fprintf(u.log, "uploaded %d of %d files\n", uploaded.Add(int64(len(b))), len(assets))
			return nil
		})
	}
	return group.Wait()
}

// uploadBucket uploads one bucket. After gateway errors that persist through the tries of a
// call it waits longer, and no other upload is repeated at the same time.
func (u *uploader) uploadBucket(ctx context.Context, b bucket) error {
	call := func() error {
		err := u.withToken(ctx, func(token string) error { return u.client.UploadAssets(ctx, token, b.body()) })
		if changed := new(changedError); errors.As(err, &changed) {
			return changed // without the advice about the API
		}
		return err
	}
	err := call()
	if !isGatewayError(err) {
		return err
	}
	select {
	case u.congested <- struct{}{}:
		defer func() { <-u.congested }()
	case <-ctx.Done():
		return err
	}
	for _, pause := range gatewayPauses {
		fmt.Fprintf(u.log, "waiting %s: %v\n", pause, err)
		if rest.Sleep(ctx, pause) != nil {
			return err
		}
		if err = call(); !isGatewayError(err) {
			return err
		}
	}
	return err
}

func isGatewayError(err error) bool {
	return rest.StatusIs(err, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout)
}

// withToken makes a call with a valid token, and again with a new one if it is refused.
func (u *uploader) withToken(ctx context.Context, call func(token string) error) error {
	refused := ""
	for renewals := 0; ; renewals++ {
		token, err := u.validToken(ctx, refused)
		if err != nil {
			return err
		}
		if err = call(token); renewals == maxRenewals || !cloudflare.IsTokenExpired(err) {
			return err
		}
		refused = token
	}
}

// validToken returns the token in use, or a new one if that was refused or is about to
// expire.
func (u *uploader) validToken(ctx context.Context, refused string) (string, error) {
	var token string
	select {
	case token = <-u.token:
	case <-ctx.Done():
		return "", ctx.Err()
	}
	defer func() { u.token <- token }()
	if token != "" && token != refused && !claimsOf(token).expired(time.Now().Add(tokenMargin)) {
		return token, nil
	}
	fresh, err := u.client.UploadToken(ctx, u.project)
	if err != nil {
		return "", err
	}
	token = fresh
	return token, nil
}
