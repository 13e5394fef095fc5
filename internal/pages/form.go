package pages

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime/multipart"
	"net/textproto"
	"strconv"
	"strings"

	"portfolio-infra/internal/cloudflare"
	"portfolio-infra/internal/rest"
)

// formFiles are the files of a deployment's form, in wrangler's order.
var formFiles = []string{"_headers", "_redirects", functionsConfig, workerFile, routesFile}

// form returns the form that creates the deployment.
// https://github.com/cloudflare/workers-sdk/blob/main/packages/wrangler/src/api/pages/deploy.ts
func (d *deployer) form(ctx context.Context, site *Site, project cloudflare.Project) (rest.Body, error) {
	manifest, err := json.Marshal(site.manifest())
	if err != nil {
		return rest.Body{}, err
	}
	files, err := site.files()
	if err != nil {
		return rest.Body{}, err
	}
	commit, ok := lastCommit(ctx, d.Site)
	fields := [][2]string{
		{"manifest", string(manifest)},
		{"branch", project.ProductionBranch},
		{"commit_message", withMark(crlf(commit.message), d.mark())},
	}
	if ok {
		fields = append(fields, [2]string{"commit_hash", commit.hash}, [2]string{"commit_dirty", strconv.FormatBool(commit.dirty)})
	}
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, field := range fields {
		if err := w.WriteField(field[0], field[1]); err != nil {
			return rest.Body{}, err
		}
	}
	for _, name := range formFiles {
		if content, ok := files[name]; ok {
			if err := writePart(w, name, "application/octet-stream", content); err != nil {
				return rest.Body{}, err
			}
		}
	}
	if err := w.Close(); err != nil {
		return rest.Body{}, err
	}
	return rest.Body{ContentType: w.FormDataContentType(), Size: int64(b.Len()), Open: func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(b.Bytes())), nil
	}}, nil
}

// crlf returns a text with the line breaks of a form field.
// https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#multipart-form-data
func crlf(text string) string {
	return strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\n", "\r\n")
}

// files returns the files of the form by name.
func (s *Site) files() (map[string][]byte, error) {
	files := map[string][]byte{}
	switch {
	case s.modules != nil:
		content, err := workerBundle(s.modules, s.Digest)
		if err != nil {
			return nil, err
		}
		files[workerFile] = content
	case s.compiled != nil:
		files = maps.Clone(s.compiled.files)
	}
	for name, content := range s.settings {
		if name != routesFile || files[workerFile] != nil {
			files[name] = content
		}
	}
	if n := len(files[workerFile]); n > maxWorker {
		return nil, fmt.Errorf("config key site: the bundle of its Worker has %d bytes, and Pages takes %d", n, maxWorker)
	}
	return files, nil
}

var quoted = strings.NewReplacer(`\`, `\\`, `"`, "%22", "\r", "%0D", "\n", "%0A")

// writePart adds a file. Its name is also the name of its field.
func writePart(form *multipart.Writer, name, contentType string, content []byte) error {
	w, err := form.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {fmt.Sprintf(`form-data; name="%[1]s"; filename="%[1]s"`, quoted.Replace(name))},
		"Content-Type":        {contentType},
	})
	if err != nil {
		return err
	}
	_, err = w.Write(content)
	return err
}
