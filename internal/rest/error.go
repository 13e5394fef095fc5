package rest

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"
)

// The most characters that an error's text shows of each part.
const (
	maxText = 1000
	maxID   = 100
)

// Error is a call that failed.
type Error struct {
	// Service is the name of the API.
	Service string
	// Method and URL name the call. URL has no query and no user.
	Method, URL string
	// Status is the status of the response, or 0 if there was none.
	Status int
	// Code, Message and RequestID are what the API reports. Each may be empty.
	Code, Message, RequestID string
	// Suggestion is one sentence that says what to do, or empty.
	Suggestion string
	// Ambiguous reports whether the call is a write that may have taken effect.
	Ambiguous bool
	// Tries is the number of times that the call was tried.
	Tries int
	// RetryAfter is the wait that the API asked for, or 0.
	RetryAfter time.Duration
	// Err is the cause if the API reported none: a connection error, an unreadable
	// body, the caller's canceled context.
	Err error

	// retryable: another try may succeed and does no harm.
	retryable bool
}

// Error returns one line with the call, the response and what to do. Text from elsewhere
// is cut if it is too long.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s %s", e.Service, e.Method, oneLine(e.URL, maxText))
	if e.Status != 0 {
		b.WriteString(": " + strings.TrimSpace(fmt.Sprintf("%d %s", e.Status, http.StatusText(e.Status))))
	}
	if e.Message != "" {
		b.WriteString(": " + oneLine(e.Message, maxText))
	}
	if e.Err != nil {
		b.WriteString(": " + oneLine(e.Err.Error(), maxText))
	}
	if notes := e.notes(); len(notes) > 0 {
		fmt.Fprintf(&b, " (%s)", strings.Join(notes, ", "))
	}
	if e.Suggestion != "" {
		b.WriteString("; " + e.Suggestion)
	}
	return b.String()
}

func (e *Error) notes() []string {
	var notes []string
	if e.Code != "" {
		notes = append(notes, "code "+oneLine(e.Code, maxID))
	}
	if e.RequestID != "" {
		notes = append(notes, "request id "+oneLine(e.RequestID, maxID))
	}
	if e.Tries > 1 {
		notes = append(notes, fmt.Sprintf("after %d tries", e.Tries))
	}
	if e.RetryAfter > 0 {
		notes = append(notes, fmt.Sprintf("the API asks to wait %s", e.RetryAfter))
	}
	if e.Ambiguous {
		notes = append(notes, "it may have taken effect")
	}
	return notes
}

// oneLine returns any text as one line of at most limit characters. Line breaks, terminal
// escapes and the like become spaces.
func oneLine(s string, limit int) string {
	words := strings.FieldsFunc(strings.ToValidUTF8(s, ""), func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsGraphic(r) })
	line := strings.Join(words, " ")
	if runes := []rune(line); len(runes) > limit {
		return string(runes[:limit]) + "…"
	}
	return line
}

// Unwrap returns the cause, so that [errors.Is] finds a canceled context.
func (e *Error) Unwrap() error { return e.Err }

// endedBy records that the caller's context ended with err while another try was due; a
// nil err means that it did not. The last response stays: it is why there was a wait.
func (e *Error) endedBy(err error) {
	switch {
	case err == nil || !e.retryable || errors.Is(e.Err, err):
	case e.Err == nil:
		e.Err = err
	default:
		e.Err = fmt.Errorf("%w; before that: %w", err, e.Err)
	}
}

// StatusIs reports whether err is a response with one of the statuses.
func StatusIs(err error, status ...int) bool {
	var e *Error
	return errors.As(err, &e) && e.Status != 0 && slices.Contains(status, e.Status)
}

// Ambiguous reports whether err is a failed write that may have taken effect: timeout,
// reset, 5xx, unreadable 2xx. The caller should read before it writes again.
func Ambiguous(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Ambiguous
}

// RetryAfter returns the wait that the API asked for, or 0.
func RetryAfter(err error) time.Duration {
	var e *Error
	if !errors.As(err, &e) {
		return 0
	}
	return e.RetryAfter
}

// Retryable reports whether the same call may succeed later and does no harm then: the API
// was not reached, was busy, or its response did not arrive whole.
func Retryable(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.retryable
}
