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

// apiError is an error with which the real cloud might answer.
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

// asAPIError turns any error that is not an apiError into a server error.
func asAPIError(err error) *apiError {
	var e *apiError
	if errors.As(err, &e) {
		return e
	}
	return &apiError{status: http.StatusInternalServerError, message: "internal server error: " + err.Error()}
}

// replyStatus sends an error of the cluster API, or of the gateway in front of both
// APIs.
func replyStatus(w http.ResponseWriter, err error) {
	e := asAPIError(err)
	code, details := e.status, []map[string]string{}
	switch e.code {
	case 0:
	case codeRateLimit: // the gateway sends the business code in place of the status
		code = e.code
	default:
		details = append(details, map[string]string{
			"@type":       "type.tidbapi.com/tidb.rpc.RequestInfo",
			"requestId":   w.Header().Get(traceHeader),
			"servingData": "bizErrorCode: " + strconv.Itoa(e.code),
		})
	}
	emulator.Reply(w, e.status, map[string]any{"code": code, "message": e.message, "details": details})
}

// replyIAMError sends an error of the IAM API.
func replyIAMError(w http.ResponseWriter, err error) {
	e := asAPIError(err)
	emulator.Reply(w, e.status, map[string]any{
		"code":      strconv.Itoa(cmp.Or(e.code, e.status)),
		"error":     e.message,
		"msgPrefix": http.StatusText(e.status),
		"status":    e.status,
	})
}
