package cloudflare

import (
	"fmt"
	"maps"
	"net/http"
	"strconv"

	"portfolio-infra/internal/sandbox/emulator"
)

// codeUnlisted is the code of a refusal whose real code is not public.
const codeUnlisted = 8009999

// envelope is around every answer of the API that is JSON.
type envelope struct {
	Result   any       `json:"result"`
	Success  bool      `json:"success"`
	Errors   []problem `json:"errors"`
	Messages []message `json:"messages"`
	Info     *pageInfo `json:"result_info,omitempty"`
}

type problem struct {
	Code    int       `json:"code"`
	Message string    `json:"message"`
	Chain   []problem `json:"error_chain,omitempty"`
}

type message struct {
	Code    int     `json:"code"`
	Message string  `json:"message"`
	Type    *string `json:"type"`
}

type pageInfo struct {
	Page       int `json:"page"`
	PerPage    int `json:"per_page"`
	Count      int `json:"count"`
	TotalCount int `json:"total_count"`
	TotalPages int `json:"total_pages"`
}

// reply is the answer to a call that was not refused: a result in an envelope,
// or a document as it is.
type reply struct {
	result   any
	info     *pageInfo
	messages []message
	document *document
}

// document is an answer that is not JSON.
type document struct {
	header http.Header
	body   []byte
}

func (r reply) send(w http.ResponseWriter) {
	if d := r.document; d != nil {
		maps.Copy(w.Header(), d.header)
		w.WriteHeader(http.StatusOK)
		_, _ = w.Write(d.body)
		return
	}
	messages := r.messages
	if messages == nil {
		messages = []message{}
	}
	emulator.Reply(w, http.StatusOK, envelope{
		Result: r.result, Success: true, Errors: []problem{}, Messages: messages, Info: r.info,
	})
}

// refusal is the answer to a call that the API does not do. It is an error.
type refusal struct {
	status   int
	problems []problem
}

// refuse makes a refusal of one problem.
func refuse(status, code int, format string, args ...any) *refusal {
	return &refusal{status, []problem{{Code: code, Message: fmt.Sprintf(format, args...)}}}
}

// invalid refuses a request for a reason whose code is not public.
func invalid(format string, args ...any) *refusal {
	return refuse(http.StatusBadRequest, codeUnlisted, format, args...)
}

func (r *refusal) Error() string {
	return fmt.Sprintf("%d %s (code %d)", r.status, r.problems[0].Message, r.problems[0].Code)
}

func (r *refusal) send(w http.ResponseWriter) {
	emulator.Reply(w, r.status, envelope{Errors: r.problems, Messages: []message{}})
}

// decode reads the request's JSON object.
func (c *call) decode() (map[string]any, error) {
	var v map[string]any
	if err := emulator.Decode(c.Request, &v); err != nil {
		return nil, refuse(http.StatusBadRequest, 6007, "Malformed JSON in request body: %v", err)
	}
	if v == nil {
		return nil, refuse(http.StatusBadRequest, 6007, "Malformed JSON in request body: null")
	}
	return v, nil
}

// list answers with the page that the call asks for. The most a page may hold is
// what it holds by default.
func list[T any](c *call, all []T, most int, describe func(T) map[string]any) (reply, error) {
	q := c.URL.Query()
	page, err1 := number(q.Get("page"), 1)
	size, err2 := number(q.Get("per_page"), most)
	if err1 != nil || err2 != nil || page < 1 || size < 1 || size > most {
		return reply{}, refuse(http.StatusBadRequest, 8000024,
			"Invalid list options provided. Review the `page` or `per_page` parameter.")
	}
	from := min((page-1)*size, len(all))
	to := min(from+size, len(all))
	described := []any{}
	for _, one := range all[from:to] {
		described = append(described, describe(one))
	}
	return reply{result: described, info: &pageInfo{
		Page: page, PerPage: size, Count: to - from,
		TotalCount: len(all), TotalPages: (len(all) + size - 1) / size,
	}}, nil
}

func number(s string, otherwise int) (int, error) {
	if s == "" {
		return otherwise, nil
	}
	return strconv.Atoi(s)
}
