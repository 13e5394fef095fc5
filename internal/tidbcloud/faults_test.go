package tidbcloud_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"portfolio-infra/internal/rest"
	"portfolio-infra/internal/rest/resttest"
	"portfolio-infra/internal/tidbcloud"
)

// reply answers with a status, a header and a body.
func reply(status int, header, value, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set(header, value)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func clientOf(f *fake) *tidbcloud.Client {
	return &tidbcloud.Client{PublicKey: publicKey, PrivateKey: privateKey, Transport: resttest.Transport(f)}
}

// A wait looks no earlier than the API asks, even once a call has used up its tries,
// and gives up where that is too long.
func TestClient_WaitUntilConnectable_asked(t *testing.T) {
	for _, tt := range []struct {
		name, asked string
		tries       int
		took        time.Duration
	}{
		{"soon", "20", 4, time.Minute}, // at 0, 20, 40 and 60 s
		{"in an hour", "3600", 1, 0},
		{"after the deadline", "61", 1, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &fake{routes: map[string]http.HandlerFunc{"GET /v1beta1/clusters/1": reply(http.StatusTooManyRequests, "Retry-After", tt.asked, "{}")}}
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				start := time.Now()
				_, err := clientOf(f).WaitUntilConnectable(ctx, "1", nil)
				if took := time.Since(start); err == nil || took != tt.took {
					t.Errorf("%v after %s", err, took)
				}
				synctest.Wait() // a look that began as the time ran out may still be on its way
				for i := 1; i < len(f.calls); i++ {
					if gap := f.calls[i].at.Sub(f.calls[i-1].at); gap < 20*time.Second {
						t.Errorf("looked again after %s", gap)
					}
				}
				if len(f.calls) > tt.tries {
					t.Errorf("%d looks", len(f.calls))
				}
			})
		})
	}
}

// A write is not believed to be done by an answer that cannot be TiDB Cloud's.
func TestClient_writesThatNobodyTook(t *testing.T) {
	for name, body := range map[string]string{"empty": "", "HTML": "<html>Log in</html>", "a list": "[]"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				answer := reply(http.StatusOK, "X-Debug-Trace-Id", "trace-1", body)
				c := clientOf(&fake{routes: map[string]http.HandlerFunc{
					"PATCH /v1beta1/clusters/1": answer, "DELETE /v1beta1/clusters/1": answer, "PATCH /v1beta1/clusters/1/sqlUsers/p.api": answer, "DELETE /v1beta1/clusters/1/sqlUsers/p.api": answer}})
				for _, err := range []error{
					c.RenameCluster(t.Context(), "1", "another"),
					c.DeleteCluster(t.Context(), "1"),
					c.UpdateSQLUser(t.Context(), "1", "p.api", tidbcloud.UpdateSQLUserRequest{Password: "hunter2hunter2"}),
					c.DeleteSQLUser(t.Context(), "1", "p.api"),
				} {
					if !rest.Ambiguous(err) || !strings.Contains(err.Error(), "check for a proxy in between") {
						t.Errorf("got %v", err)
					}
				}
			})
		})
	}
}

// An API may repeat what it was sent, in an error or in place of an answer.
func TestClient_UpdateSQLUser_echo(t *testing.T) {
	const password = "hunter2hunter2hunter2"
	for _, status := range []int{http.StatusOK, http.StatusBadRequest, http.StatusBadGateway} {
		synctest.Test(t, func(t *testing.T) {
			f := &fake{routes: map[string]http.HandlerFunc{"PATCH /v1beta1/clusters/1/sqlUsers/p.api": func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(status)
				_, _ = io.WriteString(w, "cannot take password="+password)
			}}}
			var shown []string
			c := clientOf(f)
			c.OnWait = func(_ context.Context, _ time.Duration, why string) { shown = append(shown, why) }
			err := c.UpdateSQLUser(t.Context(), "1", "p.api", tidbcloud.UpdateSQLUserRequest{Password: password})
			var e *rest.Error
			if !errors.As(err, &e) || strings.Contains(err.Error()+strings.Join(shown, "\n"), password[:8]) {
				t.Errorf("%v\n%q", err, shown)
			}
		})
	}
}
