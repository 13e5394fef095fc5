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

// An error's text has at most this many characters of each part.
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
	// Err is the cause if the API reports none: a connection error, an unreadable body, or the
	// end of the caller's context.
	Err error

	// retryable reports whether another try may succeed and does no harm.
	retryable bool
}

// Error returns one line with the call, the response and the suggestion. It cuts long texts of
// others.
func (e *Error) Error() string {
	parts := []string{e.Service, e.Method + " " + oneLine(e.URL, maxText)}
	if e.Status != 0 {
		parts = append(parts, strings.TrimSpace(fmt.Sprintf("%d %s", e.Status, http.StatusText(e.Status))))
	}
	if e.Message != "" {
		parts = append(parts, oneLine(e.Message, maxText))
	}
	if e.Err != nil {
		parts = append(parts, oneLine(e.Err.Error(), maxText))
	}
	text := strings.Join(parts, ": ")

	var notes []string
	note := func(known bool, format string, args ...any) {
		if known {
			notes = append(notes, fmt.Sprintf(format, args...))
		}
	}
	note(e.Code != "", "code %s", oneLine(e.Code, maxID))
	note(e.RequestID != "", "request id %s", oneLine(e.RequestID, maxID))
	note(e.Tries > 1, "after %d tries", e.Tries)
	note(e.RetryAfter > 0, "the API asks to wait %s", e.RetryAfter)
	note(e.Ambiguous, "it may have taken effect")
	if len(notes) > 0 {
		text += " (" + strings.Join(notes, ", ") + ")"
	}
	if e.Suggestion != "" {
		text += "; " + e.Suggestion
	}
	return text
}

// oneLine returns a text as one line of at most limit characters. Line breaks, terminal escapes
// and the like become spaces.
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

// endedBy records that the caller's context ended with err before the next try. A nil err means
// that it did not end. The last response stays in the error, since it is why there was a wait.
func (e *Error) endedBy(err error) {
	if err == nil || !e.retryable || errors.Is(e.Err, err) {
		return
	}
	if e.Err != nil {
		err = fmt.Errorf("%w; before that: %w", err, e.Err)
	}
	e.Err = err
}

// find returns the [Error] in err's chain, or a zero one.
func find(err error) *Error {
	if e := new(Error); errors.As(err, &e) {
		return e
	}
	return &Error{}
}

// Code returns the error code that the API reports, or "".
func Code(err error) string { return find(err).Code }

// StatusIs reports whether err is a response with one of the statuses.
func StatusIs(err error, status ...int) bool {
	e := find(err)
	return e.Status != 0 && slices.Contains(status, e.Status)
}

// Ambiguous reports whether err is a failed write that may have taken effect. The caller should
// read before it writes again.
func Ambiguous(err error) bool { return find(err).Ambiguous }

// Retryable reports whether the same call may succeed later and does no harm: the API was not
// reached, was busy, or a part of its response was lost.
func Retryable(err error) bool { return find(err).retryable }

// RetryAfter returns the wait that the API asked for, or 0.
func RetryAfter(err error) time.Duration { return find(err).RetryAfter }
