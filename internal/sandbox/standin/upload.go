package standin

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/textproto"

	"portfolio-infra/internal/rest"
)

// upload puts a script as multipart/form-data: the metadata, and one module.
func upload(ctx context.Context, api *rest.Client, path string, metadata any, module string, script []byte, result any) error {
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	meta, err := json.Marshal(metadata)
	if err != nil {
		return err
	}
	for _, part := range []struct {
		name, file, contentType string
		content                 []byte
	}{
		{"metadata", "", "application/json", meta},
		{module, module, "application/javascript+module", script},
	} {
		params := map[string]string{"name": part.name}
		if part.file != "" {
			params["filename"] = part.file
		}
		w, err := form.CreatePart(textproto.MIMEHeader{
			"Content-Disposition": {mime.FormatMediaType("form-data", params)},
			"Content-Type":        {part.contentType},
		})
		if err != nil {
			return err
		}
		if _, err := w.Write(part.content); err != nil {
			return err
		}
	}
	if err := form.Close(); err != nil {
		return err
	}
	_, answer, err := send(ctx, api, http.MethodPut, path, form.FormDataContentType(), &body)
	if err != nil {
		return err
	}
	var envelope struct {
		Result json.RawMessage `json:"result"`
	}
	if err := json.Unmarshal(answer, &envelope); err != nil {
		return fmt.Errorf("PUT %s: %w", path, err)
	}
	return json.Unmarshal(envelope.Result, result)
}

// download reads a script's main module: its name and its content.
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

// send makes one call whose body is not JSON.
func send(ctx context.Context, api *rest.Client, method, path, contentType string, body io.Reader) (http.Header, []byte, error) {
	request, err := http.NewRequestWithContext(ctx, method, api.BaseURL+path, body)
	if err != nil {
		return nil, nil, err
	}
	request.Header = api.Header.Clone()
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	if response.StatusCode/100 != 2 {
		code, message := api.DecodeError(response.StatusCode, response.Header, answer)
		return nil, nil, &rest.Error{Service: api.Service, Method: method, URL: api.BaseURL + path,
			Status: response.StatusCode, Code: code, Message: message, RequestID: response.Header.Get("Cf-Ray")}
	}
	return response.Header, answer, nil
}
