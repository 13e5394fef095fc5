package tidbcloud

import (
	"net"
	"net/http"

	"github.com/icholy/digest"
)

// digestTransport authenticates by HTTP digest. It sends one request at a time:
// a nonce is used with a counter, and a server that checks it strictly refuses
// requests that overtake each other.
type digestTransport struct {
	turn   chan struct{} // a mutex whose lock can be canceled
	digest digest.Transport
}

func newDigest(user, password string, transport http.RoundTripper) *digestTransport {
	return &digestTransport{
		turn:   make(chan struct{}, 1),
		digest: digest.Transport{Username: user, Password: password, FindChallenge: findChallenge, Transport: transport},
	}
}

// RoundTrip implements [http.RoundTripper]. The turn ends with the response's
// headers: the body needs no order.
func (t *digestTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	select {
	case t.turn <- struct{}{}:
	case <-req.Context().Done():
		// Nothing was sent, as if the connection was never made: even a POST is not
		// ambiguous and may be repeated.
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
	// Either the keys are wrong, or the nonce was used up by others in between. One
	// more round tells the two apart. Nothing was carried out, so a write may be
	// sent again; its body comes from GetBody each time.
	_ = resp.Body.Close()
	return t.digest.RoundTrip(req)
}

// findChallenge reports a challenge that cannot be answered as none: the digest package
// then returns the 401 instead of an error that hides it.
func findChallenge(header http.Header) (*digest.Challenge, error) {
	c, err := digest.FindChallenge(header)
	if err != nil || !digest.CanDigest(c) {
		return nil, digest.ErrNoChallenge
	}
	return c, nil
}
