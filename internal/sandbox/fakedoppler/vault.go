package fakedoppler

import (
	"cmp"
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha512"
)

// rounds of PBKDF2 (SHA-512) make a short Key slow to guess.
// https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html#pbkdf2
const rounds = 210_000

// vault encrypts the values.
type vault struct{ aead cipher.AEAD }

// openVault derives the key. A state that is in no file gets one of its own.
func (c *Cloud) openVault(salt []byte) (vault, error) {
	key := random(32)
	if c.File != "" {
		var err error
		if key, err = pbkdf2.Key(sha512.New, cmp.Or(c.Key, c.Token), salt, rounds, len(key)); err != nil {
			return vault{}, err
		}
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return vault{}, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return vault{aead}, err
}

func (v vault) seal(value string) []byte { return v.aead.Seal(nil, nil, []byte(value), nil) }

// open returns the value, or nil where it was sealed with another key.
func (v vault) open(sealed []byte) *string {
	b, err := v.aead.Open(nil, nil, sealed, nil)
	if err != nil {
		return nil
	}
	value := string(b)
	return &value
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // it never fails
	return b
}
