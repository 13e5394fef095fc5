package cloudflare

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strconv"

	"portfolio-infra/internal/sandbox/emulator"
)

// codeUnknown is the code of a refusal whose real code is not public.
const codeUnknown = 8009999

// envelope surrounds every JSON result of the API.
type envelope struct {
	Result   any       `json:"result"`
	Success  bool      `json:"success"`
	Errors   []problem `json:"errors"`
	Messages []any     `json:"messages"`
	Info     *pageInfo `json:"result_info,omitempty"`
}

type problem struct {
	Code    int       `json:"code"`
	Message string    `json:"message"`
	Chain   []problem `json:"error_chain,omitempty"`
}

type pageInfo struct {
	Page       int `json:"page"`
	PerPage    int `json:"per_page"`
	Count      int `json:"count"`
	TotalCount int `json:"total_count"`
	TotalPages int `json:"total_pages"`
}

// page is a result that is part of a list.
type page struct {
	items []any
	info  pageInfo
}

// document is a result that is not JSON.
type document struct {
	header http.Header
	body   []byte
}

// refusal is an error of the API.
type refusal struct {
	status   int
	problems []problem
}

func refuse(status, code int, format string, args ...any) *refusal {
	return &refusal{status, []problem{{Code: code, Message: fmt.Sprintf(format, args...)}}}
}

// invalid refuses a request with [codeUnknown].
func invalid(format string, args ...any) *refusal {
	return refuse(http.StatusBadRequest, codeUnknown, format, args...)
}

func (r *refusal) Error() string {
	return fmt.Sprintf("%d %s (code %d)", r.status, r.problems[0].Message, r.problems[0].Code)
}

// send sends the error, if there is one, or the result: a document as it is, anything else in
// an envelope.
func send(w http.ResponseWriter, result any, err error) {
	if err != nil {
		var r *refusal
		if !errors.As(err, &r) {
			r = refuse(http.StatusInternalServerError, 10013, "An unknown error has occurred: %v", err)
		}
		emulator.Reply(w, r.status, envelope{Errors: r.problems, Messages: []any{}})
		return
	}
	out := envelope{Result: result, Success: true, Errors: []problem{}, Messages: []any{}}
	switch result := result.(type) {
	case *document:
		maps.Copy(w.Header(), result.header)
		_, _ = w.Write(result.body)
		return
	case page:
		out.Result, out.Info = result.items, &result.info
	}
	emulator.Reply(w, http.StatusOK, out)
}

// decode reads the request's JSON object.
func (c *call) decode() (map[string]any, error) {
	var v map[string]any
	err := emulator.Decode(c.Request, &v)
	if err == nil && v == nil {
		err = errors.New("null")
	}
	if err != nil {
		return nil, refuse(http.StatusBadRequest, 6007, "Malformed JSON in request body: %v", err)
	}
	return v, nil
}

// body reads the request's JSON object, which has these fields.
func (c *call) body(fs fields) (map[string]any, error) {
	v, err := c.decode()
	if err != nil {
		return nil, err
	}
	if err := object(fs)(v); err != nil {
		return nil, invalid("%v", err)
	}
	return v, nil
}

// list returns the page that the call asks for. It has up to size items by default.
func list[T any](c *call, all []T, size int, describe func(T) map[string]any) (any, error) {
	parameter := func(name string, most int) (int, bool) {
		text := c.URL.Query().Get(name)
		if text == "" {
			return most, true
		}
		n, err := strconv.Atoi(text)
		return n, err == nil && n > 0
	}
	number, ok1 := parameter("page", 1)
	per, ok2 := parameter("per_page", size)
	if !ok1 || !ok2 || per > size {
		return nil, refuse(http.StatusBadRequest, 8000024,
			"Invalid list options provided. Review the `page` or `per_page` parameter.")
	}
	from := min(min(number-1, len(all))*per, len(all))
	items := []any{}
	for _, item := range all[from:min(from+per, len(all))] {
		items = append(items, describe(item))
	}
	return page{items, pageInfo{
		Page: number, PerPage: per, Count: len(items),
		TotalCount: len(all), TotalPages: (len(all) + per - 1) / per,
	}}, nil
}
