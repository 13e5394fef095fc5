package tidbcloud

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"portfolio-infra/internal/sandbox/emulator"
)

// Business codes of the real cloud, as far as they are known.
const (
	bizInvalid = 49900001
	bizLimit   = 49900007
)

// problem is an answer that is not a success.
type problem struct {
	status  int
	biz     int // the business code, if one is known
	message string
}

func (p *problem) Error() string { return p.message }

func badRequest(format string, args ...any) *problem {
	return &problem{status: http.StatusBadRequest, biz: bizInvalid, message: fmt.Sprintf(format, args...)}
}

func notFound(format string, args ...any) *problem {
	return &problem{status: http.StatusNotFound, message: fmt.Sprintf(format, args...)}
}

// asProblem makes any other error the emulator's own failure.
func asProblem(err error) *problem {
	var p *problem
	if errors.As(err, &p) {
		return p
	}
	return &problem{status: http.StatusInternalServerError, message: "internal server error: " + err.Error()}
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

// iamError is the error body of the IAM API.
type iamError struct {
	Code      string `json:"code"`
	Error     string `json:"error"`
	MsgPrefix string `json:"msgPrefix"`
	Status    int    `json:"status"`
}

// reply sends the problem in the shape of its API.
func (p *problem) reply(w http.ResponseWriter, iam bool, trace string) {
	if iam {
		code := strconv.Itoa(cmp.Or(p.biz, p.status))
		emulator.Reply(w, p.status, iamError{Code: code, Error: p.message, MsgPrefix: http.StatusText(p.status), Status: p.status})
		return
	}
	body := rpcStatus{Code: p.status, Message: p.message, Details: []requestInfo{}}
	switch p.biz {
	case 0:
	case bizLimit: // the gateway shows the business code in place of the status
		body.Code = p.biz
	default:
		body.Details = append(body.Details, requestInfo{
			Type:        "type.tidbapi.com/tidb.rpc.RequestInfo",
			RequestID:   trace,
			ServingData: "bizErrorCode: " + strconv.Itoa(p.biz),
		})
	}
	emulator.Reply(w, p.status, body)
}
