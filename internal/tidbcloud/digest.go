package tidbcloud

import (
	"net"
	"net/http"

	"github.com/icholy/digest"
)

// digestTransport authenticates by HTTP digest. It sends one request at a time: a nonce comes
// with a counter, and a strict server refuses requests that overtake each other.
type digestTransport struct {
	turn   chan struct{} // a mutex; waiting for it can be canceled
	digest digest.Transport
}

func newDigest(user, password string, transport http.RoundTripper) *digestTransport {
	return &digestTransport{
		turn:   make(chan struct{}, 1),
		digest: digest.Transport{Username: user, Password: password, FindChallenge: findChallenge, Transport: transport},
	}
}

// RoundTrip implements [http.RoundTripper]. The next request may follow as soon as the headers
// of the response are there.
func (t *digestTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	select {
	case t.turn <- struct{}{}:
	case <-req.Context().Done():
		// Nothing was sent. Package rest takes this error for a missing connection, so even a
		// POST is not ambiguous.
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: req.Context().Err()}
	}
	defer func() { <-t.turn }()

	resp, err := t.digest.RoundTrip(req)
	if err != nil || resp.StatusCode != http.StatusUnauthorized {
		return resp, err
	}
	if _, err := findChallenge(resp.Header); err != nil {
		return resp, nil
	}
	// Either the keys are wrong, or others have used the nonce up in between. A second try
	// tells. The server refused the first one, so even a write may be repeated; its body comes
	// from GetBody each time.
	_ = resp.Body.Close()
	return t.digest.RoundTrip(req)
}

// findChallenge returns the challenge of a response. One that cannot be answered counts as
// none: the digest package then returns the 401, and not an error that hides it.
func findChallenge(header http.Header) (*digest.Challenge, error) {
	c, err := digest.FindChallenge(header)
	if err != nil || !digest.CanDigest(c) {
		return nil, digest.ErrNoChallenge
	}
	return c, nil
}
