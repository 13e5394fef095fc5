package main

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// guest sends a form to the guest book, without its length where it is chunked.
func (s *served) guest(name, message string, chunked bool) *http.Response {
	s.f.Helper()
	var body io.Reader = strings.NewReader(url.Values{"name": {name}, "message": {message}}.Encode())
	if chunked {
		body = io.MultiReader(body)
	}
	response, _ := s.do(http.MethodPost, "/api/guestbook", body, "Content-Type", "application/x-www-form-urlencoded", "Accept", "application/json")
	return response
}

// The guest book reads no more of a form than is allowed, whether or not its length is given.
// It asks the database once for many visitors. Whoever signs sees the entry at once.
func TestExample_guestBook(t *testing.T) {
	f, _ := newSiteFixture(t)
	f.up()
	s := f.serveSite()
	for message, want := range map[string]int{
		strings.Repeat("x", 280):          http.StatusCreated,
		strings.Repeat("\U0001f40c", 280): http.StatusCreated, // percent-encoded, 12 bytes each
		strings.Repeat("x", 281):          http.StatusBadRequest,
		strings.Repeat("x", 8192):         http.StatusRequestEntityTooLarge,
		strings.Repeat("x", 50_000):       http.StatusRequestEntityTooLarge,
		"":                                http.StatusBadRequest,
	} {
		for _, chunked := range []bool{false, true} {
			f.want(fmt.Sprintf("status of a message of %d bytes, chunked %t", len(message), chunked), s.guest("Ada", message, chunked).StatusCode, want)
		}
	}
	f.want("guests", len(s.names("/api/guestbook")), 4)

	t.Log("what is read is kept for some seconds, but not for who signed")
	app, _ := f.login()
	f.query(app, "INSERT INTO guests (name, message) VALUES ('Grace', 'by another isolate')")
	f.want("entries that were kept", len(s.names("/api/guestbook")), 4)
	cookie := s.guest("Alan", "hello", false).Header.Get("Set-Cookie")
	f.query(app, "INSERT INTO guests (name, message) VALUES ('Edsger', 'by another isolate')")
	pair, _, _ := strings.Cut(cookie, ";")
	if _, body := s.do(http.MethodGet, "/api/guestbook", nil, "Cookie", pair); !strings.Contains(body, "Edsger") {
		t.Errorf("who has signed, and has the cookie %q, sees old entries", cookie)
	}
}
