package tidbcloud_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"portfolio-infra/internal/rest"
	"portfolio-infra/internal/rest/resttest"
	"portfolio-infra/internal/tidbcloud"
)

func TestDigest_concurrent(t *testing.T) {
	f := &fake{routes: map[string]http.HandlerFunc{"GET /v1beta1/clusters/1": answer(200, `{"clusterId":"1"}`)}}
	c := f.client()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				if _, err := c.GetCluster(t.Context(), "1"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if len(f.nonces) != 1 {
		t.Errorf("%d challenges for 400 calls", len(f.nonces))
	}
}

// A nonce that was used up costs a challenge and no error, with the body intact.
func TestDigest_staleNonce(t *testing.T) {
	f := &fake{uses: 1, routes: map[string]http.HandlerFunc{"PATCH /v1beta1/clusters/1": answer(200, `{}`)}}
	c := f.client()
	for range 3 {
		if err := c.RenameCluster(t.Context(), "1", "new-name"); err != nil {
			t.Error(err)
		}
	}
	for _, call := range f.calls {
		if call.body["updateMask"] != "displayName" {
			t.Errorf("sent %v", call.body)
		}
	}
}

// The first fresh nonce is taken away by somebody else, once.
func TestDigest_refusedOnce(t *testing.T) {
	f := &fake{routes: map[string]http.HandlerFunc{"POST /v1beta1/clusters": answer(200, `{"clusterId":"1"}`)}}
	stolen := false
	c := f.client()
	c.Transport = resttest.Transport(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" && !stolen {
			stolen = true
			f.mu.Lock()
			f.nonces["n0"]++
			f.mu.Unlock()
		}
		f.ServeHTTP(w, r)
	}))
	if _, err := c.CreateCluster(t.Context(), tidbcloud.CreateClusterRequest{DisplayName: "portfolio-db", Region: "regions/aws-us-east-1"}); err != nil {
		t.Error(err)
	}
	if got := f.requests(); len(got) != 1 {
		t.Errorf("carried out %v", got)
	}
}

func TestDigest_refused(t *testing.T) {
	for _, tt := range []struct {
		name      string
		challenge string
		tries     int
	}{
		{"wrong keys", `Digest realm="r", qop="auth", nonce="n"`, 4},
		{"no challenge", "", 1},
		{"another scheme", `Basic realm="r"`, 1},
		{"an algorithm nobody knows", `Digest realm="r", qop="auth", nonce="n", algorithm=ROT13`, 1},
		{"a broken challenge", `Digest realm="r`, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tries := 0
			c := &tidbcloud.Client{PublicKey: publicKey, PrivateKey: privateKey}
			c.Transport = resttest.Transport(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				tries++
				if tt.challenge != "" {
					w.Header().Set("WWW-Authenticate", tt.challenge)
				}
				answer(401, `{"code":401,"message":"who are you?"}`)(w, nil)
			}))
			_, err := c.GetCluster(t.Context(), "1")
			if !rest.StatusIs(err, 401) || !strings.Contains(err.Error(), "tidbcloud:publicKey") || !strings.Contains(err.Error(), "TIDBCLOUD_PRIVATE_KEY") {
				t.Error(err)
			}
			if strings.Contains(err.Error(), privateKey) {
				t.Errorf("the error shows the key: %v", err)
			}
			if tries != tt.tries {
				t.Errorf("%d tries, want %d", tries, tt.tries)
			}
		})
	}
}

// Both APIs on one host name, as an emulator has them, do not disturb each other.
func TestDigest_samehost(t *testing.T) {
	f1 := &fake{routes: map[string]http.HandlerFunc{"GET /clusters/1": answer(200, `{"clusterId":"1"}`)}}
	f2 := &fake{routes: map[string]http.HandlerFunc{"GET /clusters/1/sqlUsers": answer(200, `{}`)}}
	s1, s2 := httptest.NewServer(f1), httptest.NewServer(f2)
	defer s1.Close()
	defer s2.Close()
	c := &tidbcloud.Client{PublicKey: publicKey, PrivateKey: privateKey, ServerlessURL: s1.URL, IAMURL: s2.URL}
	for range 3 {
		if _, err := c.GetCluster(t.Context(), "1"); err != nil {
			t.Error(err)
		}
		if _, err := c.ListSQLUsers(t.Context(), "1"); err != nil {
			t.Error(err)
		}
	}
	if len(f1.nonces) != 1 || len(f2.nonces) != 1 {
		t.Errorf("%d and %d challenges, want one each", len(f1.nonces), len(f2.nonces))
	}
}

// A call that waits for its turn ends with its context, and was never sent.
func TestDigest_cancelInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &tidbcloud.Client{PublicKey: publicKey, PrivateKey: privateKey}
		release := make(chan struct{})
		c.Transport = resttest.Transport(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			<-release
			answer(200, `{"clusterId":"1"}`)(w, nil)
		}))
		first := make(chan error)
		go func() {
			_, err := c.GetCluster(t.Context(), "1")
			first <- err
		}()
		synctest.Wait()
		ctx, cancel := canceledAfter(t, 0)
		defer cancel()
		if err := c.DeleteCluster(ctx, "1"); !errors.Is(err, context.Canceled) || rest.Ambiguous(err) {
			t.Errorf("ambiguous %v: %v", rest.Ambiguous(err), err)
		}
		close(release)
		if err := <-first; err != nil {
			t.Error(err)
		}
		if _, err := c.GetCluster(t.Context(), "1"); err != nil {
			t.Errorf("the turn is lost: %v", err)
		}
	})
}
