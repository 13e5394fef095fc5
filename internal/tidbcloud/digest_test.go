package tidbcloud_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"portfolio-infra/internal/rest"
	"portfolio-infra/internal/rest/resttest"
	emulated "portfolio-infra/internal/sandbox/emulator/tidbcloud"
	"portfolio-infra/internal/testcheck"
)

// counter counts the requests without credentials, each of which gets a challenge.
type counter struct {
	*emulated.Cloud
	challenges int // the client sends one request at a time
}

func (c *counter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") == "" {
		c.challenges++
	}
	c.Cloud.ServeHTTP(w, r)
}

// Concurrent calls, against a server with strict nonce counts.
func TestDigest_concurrent(t *testing.T) {
	cloud := &counter{Cloud: emulate()}
	c := clientOf(cloud)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 25 {
				if _, err := c.ListClusters(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if cloud.challenges != 1 {
		t.Errorf("%d challenges for 200 calls", cloud.challenges)
	}
}

// Both APIs on one host name, as an emulator has them, do not share a challenge.
func TestDigest_sameHost(t *testing.T) {
	serverless, iam := &counter{Cloud: emulate()}, &counter{Cloud: emulate()}
	c := clientOf(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.Host, ":2") {
			iam.ServeHTTP(w, r)
			return
		}
		serverless.ServeHTTP(w, r)
	}))
	c.ServerlessURL, c.IAMURL = "http://127.0.0.1:1/v1beta1", "http://127.0.0.1:2/v1beta1"
	for range 3 {
		_, err := c.ListClusters(t.Context())
		_, iamErr := c.Organizations(t.Context())
		if err := errors.Join(err, iamErr); err != nil {
			t.Error(err)
		}
	}
	if serverless.challenges != 1 || iam.challenges != 1 {
		t.Errorf("%d and %d challenges, want one each", serverless.challenges, iam.challenges)
	}
}

// A nonce that is too old costs a challenge and is no error, whether it is from an earlier call or, in
// a slow request, from the same one. The body arrives intact.
func TestDigest_staleNonce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := emulate()
		cloud.NonceLifetime = time.Second
		slow := 1
		c := clientOf(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != "" && slow > 0 {
				slow--
				time.Sleep(2 * time.Second)
			}
			cloud.ServeHTTP(w, r)
		}))
		cluster := createCluster(t, c)
		for _, name := range []string{"second-name", "third-name"} {
			time.Sleep(2 * time.Second)
			testcheck.Error(t, c.RenameCluster(t.Context(), cluster.ID, name))
		}
		if all := cloud.Clusters(); len(all) != 1 || all[0].DisplayName != "third-name" {
			t.Errorf("there are %+v", all)
		}
	})
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
		{"unknown algorithm", `Digest realm="r", qop="auth", nonce="n", algorithm=ROT13`, 1},
		{"broken challenge", `Digest realm="r`, 1},
		{"no realm", "Digest nonce=a", 4},
		{"body in the digest", `Digest realm="r", nonce="n", qop="auth-int"`, 4},
		{"hashed user", `Digest realm="r", nonce="n", algorithm=SHA-256, userhash=true`, 4},
		{"quotes", `Digest realm="ü", nonce="\"", opaque="\\"`, 4},
	} {
		t.Run(tt.name, func(t *testing.T) {
			api := resttest.NewAPI(resttest.Respond(401, `{"code":401,"message":"who are you?"}`, "WWW-Authenticate", tt.challenge))
			_, err := clientOf(api).GetCluster(t.Context(), "1")
			if !rest.StatusIs(err, 401) || !strings.Contains(err.Error(), "tidbcloud:publicKey") || !strings.Contains(err.Error(), "TIDBCLOUD_PRIVATE_KEY") {
				t.Error(err)
			}
			resttest.CheckReadable(t, err, privateKey)
			if n := len(api.Calls()); n != tt.tries {
				t.Errorf("%d tries, want %d", n, tt.tries)
			}
		})
	}
}

// A call that waits for its turn ends with its context, and was never sent.
func TestDigest_canceledTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		c := clientOf(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			<-release
			respond(200, `{"clusterId":"1"}`)(w, r)
		}))
		first := make(chan error)
		go func() {
			_, err := c.GetCluster(t.Context(), "1")
			first <- err
		}()
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := c.DeleteCluster(ctx, "1"); !errors.Is(err, context.Canceled) || rest.Ambiguous(err) {
			t.Errorf("ambiguous %v: %v", rest.Ambiguous(err), err)
		}
		close(release)
		testcheck.Error(t, <-first)
		if _, err := c.GetCluster(t.Context(), "1"); err != nil {
			t.Errorf("the turn is lost: %v", err)
		}
	})
}
