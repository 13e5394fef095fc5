package emulator

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
)

// Part is one part of a multipart form.
type Part struct {
	Name    string `json:"name"`
	Type    string `json:"type"` // its Content-Type; empty for none
	Content []byte `json:"content"`
}

// ReadForm reads a body of type multipart/form-data. Its parts must have different names. For
// any other type the error is [http.ErrNotMultipart].
func ReadForm(r *http.Request) ([]Part, error) {
	mediaType, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || mediaType != "multipart/form-data" {
		return nil, http.ErrNotMultipart
	}
	var parts []Part
	for reader := multipart.NewReader(r.Body, params["boundary"]); ; {
		p, err := reader.NextRawPart()
		if errors.Is(err, io.EOF) {
			return parts, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading the multipart body: %w", err)
		}
		content, err := io.ReadAll(p)
		if err != nil {
			return nil, fmt.Errorf("reading the multipart body: %w", err)
		}
		name := p.FormName()
		if name == "" {
			return nil, fmt.Errorf("part %d has no name", len(parts))
		}
		if slices.ContainsFunc(parts, func(p Part) bool { return p.Name == name }) {
			return nil, fmt.Errorf("%s: two parts have this name", name)
		}
		parts = append(parts, Part{name, p.Header.Get("Content-Type"), content})
	}
}

// Form encodes parts as multipart/form-data. It also returns the Content-Type. Each part is a
// file named like the part.
func Form(parts ...Part) (body []byte, contentType string) {
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	quote := strings.NewReplacer(`\`, `\\`, `"`, `\"`)
	for _, p := range parts {
		header := textproto.MIMEHeader{
			"Content-Disposition": {fmt.Sprintf(`form-data; name="%s"; filename="%[1]s"`, quote.Replace(p.Name))},
		}
		if p.Type != "" {
			header.Set("Content-Type", p.Type)
		}
		w, _ := form.CreatePart(header) // a buffer takes all writes
		_, _ = w.Write(p.Content)
	}
	_ = form.Close()
	return b.Bytes(), form.FormDataContentType()
}
