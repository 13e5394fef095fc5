package provider

import (
	"crypto/rand"
	"strings"
)

// Characters of passwords: none that look alike, and none with a meaning in a URL,
// a shell, a DSN or a SQL string.
const (
	lowers = "abcdefghijkmnopqrstuvwxyz"
	uppers = "ABCDEFGHJKLMNPQRSTUVWXYZ"
	digits = "23456789"

	passwordAlphabet = lowers + uppers + digits
	passwordLength   = 32 // 186 bits
)

// newPassword makes a random password that holds a lower-case letter, an upper-case
// letter and a digit. All such passwords are equally likely: one that lacks a kind is
// thrown away whole.
func newPassword() string {
	for {
		password := randomText(passwordLength)
		if strings.ContainsAny(password, lowers) && strings.ContainsAny(password, uppers) && strings.ContainsAny(password, digits) {
			return password
		}
	}
}

// randomText takes each character evenly from the alphabet: bytes beyond its
// largest multiple would prefer the first ones, and are left out.
func randomText(n int) string {
	const limit = 256 - 256%len(passwordAlphabet)
	text := make([]byte, 0, n)
	var b [1]byte
	for len(text) < n {
		_, _ = rand.Read(b[:]) // never fails
		if int(b[0]) < limit {
			text = append(text, passwordAlphabet[int(b[0])%len(passwordAlphabet)])
		}
	}
	return string(text)
}
