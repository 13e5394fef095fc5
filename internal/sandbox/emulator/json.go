package emulator

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// Decode reads the JSON value of a request's body into v as [Unmarshal] does. A body of more
// than 10 MiB is an error.
func Decode(r *http.Request, v any) error {
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, 10<<20))
	if err != nil {
		return err
	}
	return Unmarshal(body, v)
}

// Unmarshal reads one JSON value into v. A second value is an error, and so is a member that v
// does not have. The type of v must not use omitempty.
func Unmarshal(data []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if err := d.Decode(new(any)); !errors.Is(err, io.EOF) {
		return errors.New("more than one JSON value")
	}
	// encoding/json takes {"displayname": …} for displayName; the clouds don't.
	var sent, known any
	read, err := json.Marshal(v)
	if err := errors.Join(err, json.Unmarshal(read, &known), json.Unmarshal(data, &sent)); err != nil {
		return err
	}
	if name, ok := unknown(sent, known); ok {
		return fmt.Errorf("json: unknown field %q", name)
	}
	return nil
}

// unknown returns the name of a member of an object in sent that known lacks.
func unknown(sent, known any) (name string, found bool) {
	switch sent := sent.(type) {
	case map[string]any:
		known, _ := known.(map[string]any)
		for name, value := range sent {
			counterpart, ok := known[name]
			if !ok {
				return name, true
			}
			if name, found := unknown(value, counterpart); found {
				return name, true
			}
		}
	case []any:
		known, _ := known.([]any)
		for i := range min(len(sent), len(known)) {
			if name, found := unknown(sent[i], known[i]); found {
				return name, true
			}
		}
	}
	return "", false
}

// Reply sends v as JSON.
func Reply(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("marshalling an answer: %v", err))
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}
