// Package testcheck has what the tests of all packages check alike.
package testcheck

import (
	"strings"
	"testing"
)

// Error fails the test unless the text of err contains all parts. No part, or "", stands for no
// error.
func Error(t testing.TB, err error, parts ...string) {
	t.Helper()
	if want := strings.Join(parts, ""); (err != nil) != (want != "") {
		t.Errorf("got error %v, want %q", err, parts)
		return
	}
	for _, part := range parts {
		if err != nil && !strings.Contains(err.Error(), part) {
			t.Errorf("got error %v, want %q in it", err, part)
		}
	}
}
