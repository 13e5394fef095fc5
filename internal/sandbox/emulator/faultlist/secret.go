package faultlist

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// Shows returns the forms in which text shows a secret.
func Shows(text, secret string) []string {
	const tooMuch = 12 // of its characters
	forms := map[string]string{
		"plain":            secret,
		"quoted":           strings.Trim(strconv.Quote(secret), `"`),
		"in a URL's query": url.QueryEscape(secret),
		"in a URL's path":  url.PathEscape(secret),
		"hexadecimal":      hex.EncodeToString([]byte(secret)),
	}
	if len(secret) > tooMuch {
		forms["beginning"] = secret[:tooMuch]
		forms["end"] = secret[len(secret)-tooMuch:]
	}
	// Within a longer text, the beginning and the end of the base64 depend on the position
	// modulo three bytes. Its middle does not.
	for skip := range 3 {
		encoded := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("x", skip) + secret))
		if len(encoded) > 12 {
			forms[fmt.Sprint("base64 at ", skip)] = encoded[4 : len(encoded)-4]
		}
	}
	var shown []string
	for name, form := range forms {
		if strings.Contains(text, form) {
			shown = append(shown, name)
		}
	}
	return shown
}
