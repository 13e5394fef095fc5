package pages

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// maxRequest is the longest request that is read, in bytes.
const maxRequest = 1 << 20

// request is the input of a sub-command.
type request interface {
	// example returns a request as an example.
	example() string
	// check returns every mistake.
	check() error
}

// readRequest reads one request and checks it. Its error names every mistake.
func readRequest[R request](in io.Reader) (r R, err error) {
	b, err := io.ReadAll(io.LimitReader(in, maxRequest+1))
	switch {
	case err != nil:
		return r, fmt.Errorf("reading the request from standard input: %w", err)
	case len(bytes.TrimSpace(b)) == 0:
		return r, errors.New("no request on standard input: give " + r.example())
	case len(b) > maxRequest:
		return r, fmt.Errorf("the request on standard input is longer than %d bytes", maxRequest)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		return r, fmt.Errorf("reading the request from standard input: %w", err)
	}
	if err := d.Decode(new(any)); !errors.Is(err, io.EOF) {
		return r, errors.New("reading the request from standard input: unexpected text after the JSON object")
	}
	return r, r.check()
}
