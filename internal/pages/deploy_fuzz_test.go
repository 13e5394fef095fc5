package pages

import (
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

// An accepted request survives a round trip, and its mark fits into a commit message.
func FuzzReadDeployRequest(f *testing.F) {
	good := jsonOf(f, DeployRequest{AccountID: account, Project: "site", Owner: owner, Site: "public", Digest: digest, Flags: []string{"a"}})
	for _, seed := range []string{"", "null", "{}", good, good + "x", strings.Replace(good, "site", "a/b", 1), strings.Replace(good, owner, `a\n]`, 1)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := readRequest[DeployRequest](strings.NewReader(text))
		if err != nil {
			if strings.ContainsAny(err.Error(), "\x00\x1b\r") {
				t.Errorf("the error is no text: %q", err)
			}
			return
		}
		if !IsOurs(deployed(t, r.mark()), r.Owner) || len(r.mark()) > maxMessage/2 {
			t.Errorf("the mark is %q", r.mark())
		}
		if again, err := readRequest[DeployRequest](strings.NewReader(jsonOf(t, r))); err != nil || !reflect.DeepEqual(r, again) {
			t.Errorf("%+v becomes %+v, %v", r, again, err)
		}
	})
}

// Whatever the commit message, it is cut to a text that ends with the mark.
func FuzzWithMark(f *testing.F) {
	for _, seed := range []string{"", "hello", strings.Repeat("x", 400), strings.Repeat("𝄞", 100), "\xff", "[pulumi x 0]"} {
		f.Add(seed)
	}
	r := DeployRequest{Owner: owner, Digest: digest}
	f.Fuzz(func(t *testing.T, message string) {
		got := withMark(message, r.mark())
		if len(got) > maxMessage || !utf8.ValidString(got) || !r.makes(deployed(t, got)) || !IsOurs(deployed(t, got), owner) {
			t.Errorf("%d bytes: %q", len(got), got)
		}
	})
}
