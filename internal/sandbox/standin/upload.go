package standin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/textproto"

	"portfolio-infra/internal/rest"
)

// upload sends a script as multipart/form-data: the metadata and one module.
func upload(ctx context.Context, api *rest.Client, path string, metadata any, module string, script []byte, result any) error {
	meta, err := json.Marshal(metadata)
	if err != nil {
		return err
	}
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	err = errors.Join(
		addPart(form, map[string]string{"name": "metadata"}, "application/json", meta),
		addPart(form, map[string]string{"name": module, "filename": module}, "application/javascript+module", script),
		form.Close())
	if err != nil {
		return err
	}
	_, answer, err := send(ctx, api, http.MethodPut, path, form.FormDataContentType(), &body)
	if err != nil {
		return err
	}
	envelope := struct {
		Result any `json:"result"`
	}{result}
	return json.Unmarshal(answer, &envelope)
}

func addPart(form *multipart.Writer, params map[string]string, contentType string, content []byte) error {
	w, err := form.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {mime.FormatMediaType("form-data", params)},
		"Content-Type":        {contentType},
	})
	if err != nil {
		return err
	}
	_, err = w.Write(content)
	return err
}

// download returns the name and the content of a script's main module.
func download(ctx context.Context, api *rest.Client, path string) (module string, script []byte, err error) {
	header, answer, err := send(ctx, api, http.MethodGet, path, "", nil)
	if err != nil {
		return "", nil, err
	}
	_, params, err := mime.ParseMediaType(header.Get("Content-Type"))
	if err != nil {
		return "", nil, fmt.Errorf("GET %s: %w", path, err)
	}
	part, err := multipart.NewReader(bytes.NewReader(answer), params["boundary"]).NextRawPart()
	if err != nil {
		return "", nil, fmt.Errorf("GET %s: %w", path, err)
	}
	script, err = io.ReadAll(part)
	return part.FormName(), script, err
}

// send makes one call whose body or answer is not JSON.
func send(ctx context.Context, api *rest.Client, method, path, contentType string, body io.Reader) (http.Header, []byte, error) {
	request, err := http.NewRequestWithContext(ctx, method, api.BaseURL+path, body)
	if err != nil {
		return nil, nil, err
	}
	request.Header = api.Header.Clone()
	request.Header.Set("Content-Type", contentType)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode/100 != 2 {
		code, message := api.DecodeError(response.StatusCode, response.Header, answer)
		err = &rest.Error{Service: api.Service, Method: method, URL: request.URL.String(),
			Status: response.StatusCode, Code: code, Message: message, RequestID: response.Header.Get("Cf-Ray")}
	}
	return response.Header, answer, err
}
