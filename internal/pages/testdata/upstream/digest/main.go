// Digest shows two properties of icholy/digest. Servers on one host but different
// ports share a cached challenge, so each call after the other's costs a second
// round trip. Calls side by side share one nonce count, and a server that demands
// the counts in order refuses those that overtake each other.
//
//	go run -trimpath internal/pages/testdata/upstream/digest/main.go
package main

import (
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"sync"

	"github.com/icholy/digest"
)

// server accepts the next count of its latest nonce and nothing else.
type server struct {
	mu      sync.Mutex
	nonce   int
	count   int
	refused int
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	cred, err := digest.ParseCredentials(r.Header.Get("Authorization"))
	if err == nil && cred.Nonce == fmt.Sprint(r.Host, s.nonce) && cred.Nc == s.count+1 {
		s.count++
		return
	}
	s.refused++
	s.nonce++
	s.count = 0
	w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Digest realm="r", qop="auth", algorithm=MD5, nonce="%s%d"`, r.Host, s.nonce))
	w.WriteHeader(http.StatusUnauthorized)
}

func main() {
	a, b := &server{}, &server{}
	atA, atB := httptest.NewServer(a), httptest.NewServer(b)
	defer atA.Close()
	defer atB.Close()
	client := &http.Client{Transport: &digest.Transport{Username: "u", Password: "p"}}
	get := func(url string) int {
		response, err := client.Get(url)
		if err != nil {
			log.Fatal(err)
		}
		_ = response.Body.Close()
		return response.StatusCode
	}

	for range 10 {
		get(atA.URL)
		get(atB.URL)
	}
	fmt.Printf("two ports, 20 calls: %d challenges, want 2\n", a.refused+b.refused)

	var wg sync.WaitGroup
	failed := make(chan int, 400)
	for range 8 {
		wg.Go(func() {
			for range 50 {
				if status := get(atA.URL); status != http.StatusOK {
					failed <- status
				}
			}
		})
	}
	wg.Wait()
	fmt.Printf("8 goroutines, 400 calls: %d answered 401, want 0\n", len(failed))
}
