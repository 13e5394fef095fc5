package tidbcloud

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"portfolio-infra/internal/sandbox/emulator"
)

// traceHeader holds the ID of a request. An error's body may repeat it.
const traceHeader = "X-Debug-Trace-Id"

func newTraceID() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// Business codes of the real cloud, as far as they are known.
const (
	codeInvalid   = 49900001
	codeRateLimit = 49900007
)

// apiError is an error that the real cloud might answer with.
type apiError struct {
	status  int
	code    int // the business code, if one is known
	message string
}

func (e *apiError) Error() string { return e.message }

func badRequest(format string, args ...any) error {
	return &apiError{status: http.StatusBadRequest, code: codeInvalid, message: fmt.Sprintf(format, args...)}
}

func notFound(format string, args ...any) error {
	return &apiError{status: http.StatusNotFound, message: fmt.Sprintf(format, args...)}
}

// asAPIError turns any other error into one of the server.
func asAPIError(err error) *apiError {
	var e *apiError
	if errors.As(err, &e) {
		return e
	}
	return &apiError{status: http.StatusInternalServerError, message: "internal server error: " + err.Error()}
}

// rpcStatus is the error body of the cluster API and of the gateway in front of
// both APIs.
type rpcStatus struct {
	Code    int           `json:"code"`
	Message string        `json:"message"`
	Details []requestInfo `json:"details"`
}

type requestInfo struct {
	Type        string `json:"@type"`
	RequestID   string `json:"requestId"`
	ServingData string `json:"servingData"`
}

// replyStatus sends an error of the cluster API or of the gateway.
func replyStatus(w http.ResponseWriter, err error) {
	e := asAPIError(err)
	body := rpcStatus{Code: e.status, Message: e.message, Details: []requestInfo{}}
	switch e.code {
	case 0:
	case codeRateLimit: // the gateway sends the business code in place of the status
		body.Code = e.code
	default:
		body.Details = append(body.Details, requestInfo{
			Type:        "type.tidbapi.com/tidb.rpc.RequestInfo",
			RequestID:   w.Header().Get(traceHeader),
			ServingData: "bizErrorCode: " + strconv.Itoa(e.code),
		})
	}
	emulator.Reply(w, e.status, body)
}

// iamError is the error body of the IAM API.
type iamError struct {
	Code      string `json:"code"`
	Error     string `json:"error"`
	MsgPrefix string `json:"msgPrefix"`
	Status    int    `json:"status"`
}

// replyIAMError sends an error of the IAM API.
func replyIAMError(w http.ResponseWriter, err error) {
	e := asAPIError(err)
	code := strconv.Itoa(cmp.Or(e.code, e.status))
	emulator.Reply(w, e.status, iamError{Code: code, Error: e.message, MsgPrefix: http.StatusText(e.status), Status: e.status})
}
