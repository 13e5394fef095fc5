package pages

import (
	"bufio"
	"cmp"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"portfolio-infra/internal/rest"
)

// Limits of a bucket, as wrangler keeps them.
// https://github.com/cloudflare/workers-sdk/blob/main/packages/wrangler/src/pages/constants.ts
const (
	maxBucket      = 40 << 20 // bytes of content
	maxBucketFiles = 2000
)

// bucket is what one call uploads.
type bucket []asset

// buckets distributes assets over as few buckets as the limits allow, but over at least
// parallel ones if there are enough assets.
func buckets(assets []asset, parallel int) []bucket {
	assets = slices.SortedStableFunc(slices.Values(assets), func(a, b asset) int { return cmp.Compare(b.size, a.size) })
	all := make([]bucket, min(parallel, len(assets)))
	sizes := make([]int64, len(all))
	for i, a := range assets {
		// Start the search at the next bucket for each asset.
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

// body returns the JSON of an upload. It is produced while it is sent, so only a buffer of it
// is in memory.
func (b bucket) body() rest.Body {
	var size counter
	_ = b.write(&size, func(_ io.Writer, a asset) error {
		size += counter(base64.StdEncoding.EncodedLen(int(a.size)))
		return nil
	})
	return rest.Body{ContentType: "application/json", Size: int64(size), Open: func() (io.ReadCloser, error) {
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
		// Neither a key nor a content type needs an escape.
		if _, err := fmt.Fprintf(w, `%s{"key":"%s","metadata":{"contentType":"%s"},"base64":true,"value":"`, separator, a.key, a.contentType); err != nil {
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

// copyBase64 writes the content of an asset. It fails if the content has changed, so that the
// body ends before its last byte. The API would store changed content under the key, and serve
// it in each later deployment of the content that belongs to the key.
func copyBase64(w io.Writer, a asset) error {
	f, err := os.Open(a.file)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.Size() != a.size {
		return &changedError{a.name}
	}
	key, _, err := encode(w, a.name, io.LimitReader(f, a.size))
	if err == nil && key != a.key {
		return &changedError{a.name}
	}
	return err
}

// changedError reports that an asset's content no longer belongs to its key.
type changedError struct{ name string }

func (e *changedError) Error() string {
	return e.name + " has changed since the preview: run it again"
}

// counter counts the bytes that are written to it.
type counter int64

func (c *counter) Write(b []byte) (int, error) {
	*c += counter(len(b))
	return len(b), nil
}
