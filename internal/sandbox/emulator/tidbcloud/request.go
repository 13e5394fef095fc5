package tidbcloud

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"

	"portfolio-infra/internal/sandbox/emulator"
)

// decode reads a request's body into v, a pointer to a struct without omitempty.
func decode(r *http.Request, v any) error {
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, 10<<20))
	if err != nil {
		return badRequest("the body cannot be read: %v", err)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if err := emulator.Decode(r, v); err != nil {
		return badRequest("the body is invalid: %v", err)
	}
	// encoding/json takes {"displayname":...} for displayName, the real API doesn't.
	var sent, known any
	read, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(read, &known)
	}
	if err == nil {
		err = json.Unmarshal(body, &sent)
	}
	if err != nil {
		return badRequest("the body is invalid: %v", err)
	}
	if name, ok := stranger(sent, known); ok {
		return badRequest("the body is invalid: unknown field %q", name)
	}
	return nil
}

// stranger finds the name of an object's member in sent that known lacks.
func stranger(sent, known any) (string, bool) {
	switch sent := sent.(type) {
	case map[string]any:
		known, _ := known.(map[string]any)
		for name, value := range sent {
			twin, ok := known[name]
			if !ok {
				return name, true
			}
			if name, ok := stranger(value, twin); ok {
				return name, true
			}
		}
	case []any:
		known, _ := known.([]any)
		for i, value := range sent {
			if i < len(known) {
				if name, ok := stranger(value, known[i]); ok {
					return name, true
				}
			}
		}
	}
	return "", false
}
