package rest_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"portfolio-infra/internal/rest"
	"portfolio-infra/internal/rest/resttest"
	"portfolio-infra/internal/testcheck"
)

func TestClient_Do_body(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opened := 0
		body := rest.Body{ContentType: "text/plain", Size: 5, Open: func() (io.ReadCloser, error) {
			opened++
			return io.NopCloser(strings.NewReader("hello")), nil
		}}
		api := resttest.NewAPI(status(500), reset, func(w http.ResponseWriter, r *http.Request) {
			if r.ContentLength != 5 || r.Header.Get("Content-Type") != "text/plain" {
				t.Errorf("length %d, %v", r.ContentLength, r.Header)
			}
			good(w, r)
		})
		testcheck.Error(t, client(api).DoIdempotent(t.Context(), "POST", "/things", body, &thing{}))
		for i, r := range api.Requests() {
			if r.Body != "hello" {
				t.Errorf("try %d sent %q", i+1, r.Body)
			}
		}
		if opened != 3 {
			t.Errorf("opened %d times for 3 tries", opened)
		}
	})
}

// A body that cannot be read is not sent again, and the call had no effect.
func TestClient_Do_unreadableBody(t *testing.T) {
	broken := errors.New("the file has changed")
	for _, tt := range []struct {
		name string
		open func() (io.ReadCloser, error)
	}{
		{"not opened", func() (io.ReadCloser, error) { return nil, broken }},
		{"cut off", func() (io.ReadCloser, error) {
			return io.NopCloser(io.MultiReader(strings.NewReader("he"), iotest.ErrReader(broken))), nil
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.ReadAll(r.Body)
				good(w, r)
			}))
			defer server.Close()
			c := &rest.Client{Service: "Test API", BaseURL: server.URL}
			err := c.DoIdempotent(t.Context(), "POST", "/things", rest.Body{Size: 5, Open: tt.open}, nil)
			testcheck.Error(t, err, "reading the request body: the file has changed")
			if !errors.Is(err, broken) || rest.Ambiguous(err) || rest.Retryable(err) {
				t.Errorf("ambiguous %t, retryable %t: %v", rest.Ambiguous(err), rest.Retryable(err), err)
			}
		})
	}
}

// A connection that breaks while the body is sent is not an error of the body, although
// the transport closes it.
func TestClient_Do_brokenConnection(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, 100))
			_ = conn.Close()
		}
	}()
	c := &rest.Client{Service: "Test API", BaseURL: "http://" + listener.Addr().String()}
	endless := rest.Body{Size: 1 << 40, Open: func() (io.ReadCloser, error) {
		r, w := io.Pipe()
		go func() {
			for b := make([]byte, 1<<10); ; {
				if _, err := w.Write(b); err != nil {
					return
				}
			}
		}()
		return r, nil
	}}
	if err := c.Do(t.Context(), "POST", "/things", endless, nil); !rest.Ambiguous(err) {
		t.Errorf("not ambiguous: %v", err)
	}
}

func TestClient_Do_attemptTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := client(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(time.Minute)
			good(w, r)
		}))
		c.AttemptTimeout = 2 * time.Minute
		testcheck.Error(t, c.Do(t.Context(), "POST", "/things", nil, &thing{}))
	})
}
