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
	turn   chan struct{} // holds one token; a channel, because waiting for it must end with the request
	digest digest.Transport
}

func newDigest(user, password string, below http.RoundTripper) *digestTransport {
	t := &digestTransport{
		turn: make(chan struct{}, 1),
		digest: digest.Transport{
			Username:      user,
			Password:      password,
			FindChallenge: findChallenge,
			Transport:     below,
		},
	}
	t.turn <- struct{}{}
	return t
}

// RoundTrip implements [http.RoundTripper]. The turn ends with the answer's
// headers: the body needs no order.
func (t *digestTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	select {
	case <-t.turn:
	case <-req.Context().Done():
		// Worded as a connection that was never made, because that is what it comes
		// to: nothing was sent, so even a POST is not ambiguous and may be repeated.
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: req.Context().Err()}
	}
	defer func() { t.turn <- struct{}{} }()

	resp, err := t.digest.RoundTrip(req)
	if err != nil || resp.StatusCode != http.StatusUnauthorized {
		return resp, err
	}
	if _, err := findChallenge(resp.Header); err != nil {
		return resp, nil
	}
	// The digest was refused although its challenge was fresh, or became fresh on
	// the way: either the keys are wrong, or the nonce was used up in between. One
	// more round tells the two apart. Nothing was carried out, so a write may be
	// sent again; its body comes from GetBody each time.
	_ = resp.Body.Close()
	return t.digest.RoundTrip(req)
}

// findChallenge reports any challenge that cannot be answered as none at all: the
// digest package then hands out the 401 itself instead of an error that hides it.
func findChallenge(header http.Header) (*digest.Challenge, error) {
	c, err := digest.FindChallenge(header)
	if err != nil || !digest.CanDigest(c) {
		return nil, digest.ErrNoChallenge
	}
	return c, nil
}
