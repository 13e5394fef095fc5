package rest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
)

// Body is a request body that is not JSON, or too long for memory. Pass it to [Client.Do].
type Body struct {
	// ContentType is sent with the request.
	ContentType string
	// Size is the length in bytes.
	Size int64
	// Open returns the content. It is called once for each try.
	Open func() (io.ReadCloser, error)

	// inMemory reports whether reading cannot fail. Package net/http sends such a body in one
	// piece with the header, if it can tell.
	inMemory bool
}

// newBody returns in itself if it is a [Body], and otherwise its JSON.
func newBody(in any) (*Body, error) {
	switch in := in.(type) {
	case nil:
		return nil, nil
	case Body:
		return &in, nil
	}
	b, err := json.Marshal(in)
	if err != nil {
		return nil, fmt.Errorf("encoding the request: %w", err)
	}
	open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }
	return &Body{ContentType: "application/json", Size: int64(len(b)), Open: open, inMemory: true}, nil
}

// attach makes b the body of a request. An error of reading it will be in the result: the
// transport may report the connection, which that error breaks, in its place.
func (b *Body) attach(req *http.Request) (*readError, error) {
	failed := &readError{}
	if b == nil || b.Size == 0 {
		return failed, nil
	}
	open := func() (io.ReadCloser, error) {
		r, err := b.Open()
		switch {
		case err != nil:
			failed.set(err)
			return nil, err
		case b.inMemory:
			return r, nil
		}
		return &bodyReader{ReadCloser: r, failed: failed}, nil
	}
	r, err := open()
	if err != nil {
		return failed, err
	}
	// Transports open the body again when a pooled connection turns out to be closed.
	req.Body, req.GetBody, req.ContentLength = r, open, b.Size
	return failed, nil
}

// readError is the first error of reading a request's body. The transport may go on reading
// after the try has ended.
type readError struct{ first atomic.Pointer[error] }

func (e *readError) set(err error) { e.first.CompareAndSwap(nil, &err) }

// get returns the error, or nil.
func (e *readError) get() error {
	if err := e.first.Load(); err != nil {
		return *err
	}
	return nil
}

// bodyReader records the first error of a body. The transport closes the body when the
// connection breaks. A read that fails after that says nothing about the body.
type bodyReader struct {
	io.ReadCloser
	failed *readError
	closed atomic.Bool
}

func (r *bodyReader) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	if err != nil && err != io.EOF && !r.closed.Load() {
		r.failed.set(err)
	}
	return n, err
}

func (r *bodyReader) Close() error {
	r.closed.Store(true)
	return r.ReadCloser.Close()
}
