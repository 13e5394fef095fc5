package faultlist

import (
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"strconv"
	"strings"
)

// Shows lists the forms in which a text shows a secret: as it is, quoted, and
// encoded for a URL or in base64.
func Shows(text, secret string) []string {
	var forms []string
	for name, form := range encodings(secret) {
		if strings.Contains(text, form) {
			forms = append(forms, name)
		}
	}
	return forms
}

// partOfSecret is how much of a secret is too much to be shown.
const partOfSecret = 12

// encodings are the forms in which a secret could show, by name. A base64 within a
// longer text may begin at any of three bytes, so the middle of each counts.
func encodings(secret string) map[string]string {
	forms := map[string]string{
		"plain":            secret,
		"quoted":           strings.Trim(strconv.Quote(secret), `"`),
		"in a URL's query": url.QueryEscape(secret),
		"in a URL's path":  url.PathEscape(secret),
		"hexadecimal":      hex.EncodeToString([]byte(secret)),
	}
	if len(secret) > partOfSecret {
		forms["beginning"] = secret[:partOfSecret]
		forms["end"] = secret[len(secret)-partOfSecret:]
	}
	for skip := range 3 {
		raw := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("x", skip) + secret))
		if len(raw) > 12 {
			forms["base64 at "+strconv.Itoa(skip)] = raw[4 : len(raw)-4]
		}
	}
	return forms
}
