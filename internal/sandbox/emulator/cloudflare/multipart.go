package cloudflare

import (
	"bytes"
	"encoding/json"
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

// module is a part of an upload, and of a Worker.
type module struct {
	Name    string `json:"name"`
	Type    string `json:"type"`
	Content []byte `json:"content"`
}

// parts reads a multipart body.
func (c *call) parts() ([]module, error) {
	mediaType, params, err := mime.ParseMediaType(c.Header.Get("Content-Type"))
	if err != nil || mediaType != "multipart/form-data" {
		return nil, refuse(http.StatusBadRequest, 10001, "Content-Type must be 'multipart/form-data'")
	}
	var out []module
	for r := multipart.NewReader(c.Body, params["boundary"]); ; {
		p, err := r.NextRawPart()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, invalid("the multipart body cannot be read: %v", err)
		}
		content, err := io.ReadAll(p)
		if err != nil {
			return nil, invalid("the multipart body cannot be read: %v", err)
		}
		name := p.FormName()
		if name == "" {
			return nil, invalid("part %d has no name", len(out))
		}
		if slices.ContainsFunc(out, func(m module) bool { return m.Name == name }) {
			return nil, invalid("%s: two parts have this name", name)
		}
		out = append(out, module{name, p.Header.Get("Content-Type"), content})
	}
}

// metadata takes the part of that name, a JSON object, out of the others.
func metadata(parts []module, name string) (map[string]any, []module, error) {
	i := slices.IndexFunc(parts, func(m module) bool { return m.Name == name })
	if i < 0 {
		return nil, nil, invalid("the part %s is missing", name)
	}
	p, rest := parts[i], slices.Delete(slices.Clone(parts), i, i+1)
	if mediaType, _, _ := mime.ParseMediaType(p.Type); p.Type != "" && mediaType != "application/json" {
		return nil, nil, invalid("%s: must be of type application/json", name)
	}
	var v map[string]any
	if err := json.Unmarshal(p.Content, &v); err != nil || v == nil {
		return nil, nil, invalid("%s: must be a JSON object", name)
	}
	return v, rest, nil
}

// content is the Worker's code as it was uploaded: its modules, the entry first,
// or the text of a service worker.
func (s *script) content() (*document, error) {
	entry := slices.IndexFunc(s.Modules, func(m module) bool { return m.Name == s.Entry })
	if s.Service {
		m := s.Modules[entry]
		return &document{http.Header{"Content-Type": {m.Type}}, m.Content}, nil
	}
	modules := slices.Clone(s.Modules)
	if entry > 0 {
		modules = slices.Insert(slices.Delete(modules, entry, entry+1), 0, s.Modules[entry])
	}
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for _, m := range modules {
		quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(m.Name)
		p, err := w.CreatePart(textproto.MIMEHeader{
			"Content-Disposition": {fmt.Sprintf(`form-data; name="%s"; filename="%[1]s"`, quoted)},
			"Content-Type":        {m.Type},
		})
		if err != nil {
			return nil, err
		}
		if _, err := p.Write(m.Content); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return &document{http.Header{
		"Content-Type":  {w.FormDataContentType()},
		"Cf-Entrypoint": {s.Entry},
	}, body.Bytes()}, nil
}

func getContent(c *call) (reply, error) {
	s, err := c.script(10007)
	if err != nil {
		return reply{}, err
	}
	d, err := s.content()
	return reply{document: d}, err
}
