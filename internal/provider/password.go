package provider

import (
	"crypto/rand"
	"math/big"
	"strings"
)

// A password has no characters that look alike, and none with a meaning in a URL, a shell, a DSN or
// a SQL string.
const (
	lowers = "abcdefghijkmnopqrstuvwxyz"
	uppers = "ABCDEFGHJKLMNPQRSTUVWXYZ"
	digits = "23456789"

	passwordAlphabet = lowers + uppers + digits
	passwordLength   = 32 // 186 bits
)

// newPassword returns a random password with a lower-case letter, an upper-case letter and a digit.
// It discards passwords that lack one, so that all others are equally likely.
func newPassword() string {
	size := big.NewInt(int64(len(passwordAlphabet)))
	password := make([]byte, passwordLength)
	for {
		for i := range password {
			n, _ := rand.Int(rand.Reader, size) // never fails
			password[i] = passwordAlphabet[n.Int64()]
		}
		s := string(password)
		if strings.ContainsAny(s, lowers) && strings.ContainsAny(s, uppers) && strings.ContainsAny(s, digits) {
			return s
		}
	}
}
