package emulator

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"portfolio-infra/internal/testcheck"
)

func TestReadForm_refused(t *testing.T) {
	const head = "--x\r\nContent-Disposition: form-data; name="
	for _, tt := range []struct{ name, contentType, body, err string }{
		{"JSON", "application/json", "{}", http.ErrNotMultipart.Error()},
		{"no boundary", "multipart/form-data", "--x--", "reading the multipart body"},
		{"cut in a header", "multipart/form-data; boundary=x", "--x\r\nContent-Disp", "reading the multipart body"},
		{"cut in a part", "multipart/form-data; boundary=x", head + "\"a\"\r\n\r\ntext", "reading the multipart body"},
		{"no name", "multipart/form-data; boundary=x", head + "\"\"\r\n\r\n\r\n--x--", "part 0 has no name"},
		{"a name twice", "multipart/form-data; boundary=x",
			head + "\"a\"\r\n\r\n\r\n" + head + "\"a\"\r\n\r\n\r\n--x--", "a: two parts have this name"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(tt.body))
			r.Header.Set("Content-Type", tt.contentType)
			_, err := ReadForm(r)
			testcheck.Error(t, err, tt.err)
			if errors.Is(err, http.ErrNotMultipart) != (tt.err == http.ErrNotMultipart.Error()) {
				t.Errorf("%v is the wrong kind of error", err)
			}
		})
	}
}
